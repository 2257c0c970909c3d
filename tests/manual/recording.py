"""Makes docs/lesson.gif: the guided steps of the page's inspector in a real Chromium, as an animated image.

Run it by hand after changes of the inspector:

    cargo build --release
    pip install pillow
    python3 tests/manual/recording.py docs/lesson.gif

It needs the Python packages of .ci/requirements.txt, Pillow, and Chromium (CHINWAG_CHROMIUM, default /usr/bin/chromium).
CHINWAG_BIN is the binary. The times and keys in the picture are those of the run.
"""

import io
import pathlib
import re
import sys

import program
from PIL import Image

DEADLINE_MS = 10000
WINDOW = {"width": 1600, "height": 690}  # so wide that the timeline is beside the steps
MAX_BYTES = 300 * 1024
COLOURS = 32
# Milliseconds for which a picture stays.
PREDICT, DURING, SEE = 2500, 1500, 5000
# The number of a step, its right choice, and whether there is something to see before it ends.
STEPS = [(1, "0: CONNECTING", True), (3, "From the key and a fixed text", False), (5, "8", False), (10, "4000", False)]


def record(page):
    """Pictures of the inspector, and how long each stays."""
    frames = []

    def shoot(time):
        frames.append((page.locator("#inspector").screenshot(animations="disabled"), time))

    for number, right, is_slow in STEPS:
        page.locator("#lesson-steps button").nth(number - 1).click()
        page.locator("#lesson-choices label", has_text=re.compile(rf"^\s*{re.escape(right)}\s*$")).click()
        shoot(PREDICT)
        page.click("#lesson-do")
        if is_slow:
            page.wait_for_selector("#bands .CONNECTING[aria-current]")
            shoot(DURING)
            page.wait_for_selector("#bands > :nth-child(2) .OPEN")
        page.wait_for_selector("#lesson-result .see")
        page.wait_for_selector("#event-list > [open]")
        page.locator("#lesson-next").scroll_into_view_if_needed()
        shoot(SEE)
    return frames


def write(frames, file):
    """With one palette for all pictures, so that what stays the same costs nothing."""
    pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png, _ in frames]
    sheet = Image.new("RGB", (pictures[0].width, sum(picture.height for picture in pictures)))
    for n, picture in enumerate(pictures):
        sheet.paste(picture, (0, n * pictures[0].height))
    palette = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
    first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [time for _, time in frames]
    first.save(file, save_all=True, append_images=rest, duration=times, loop=0, optimize=True)
    size = pathlib.Path(file).stat().st_size
    print(f"{file}: {len(frames)} pictures, {size} bytes")
    if size > MAX_BYTES:
        sys.exit(f"{file} may have {MAX_BYTES} bytes")


def main(file):
    with program.running(["--disable-lcd-text"]) as (browser, url):
        options = {"viewport": WINDOW, "locale": "en", "timezone_id": "UTC", "reduced_motion": "reduce"}
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(DEADLINE_MS)
        page.goto(url)
        page.fill("#name", "ann")
        page.press("#name", "Enter")
        page.click("#inspector-button")
        page.wait_for_selector("#lesson-steps button")
        write(record(page), file)


main(sys.argv[1])
