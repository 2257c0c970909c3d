// copy.js: to the clipboard. The old way, because navigator.clipboard is there on https and localhost only.

export function copy(text) {
  document.addEventListener('copy', (event) => {
    event.preventDefault();
    event.clipboardData.setData('text/plain', text);
  }, { once: true });
  document.execCommand('copy');
}

// Every piece of code on the page can be clicked to copy it.
document.addEventListener('click', ({ target }) => target.matches('.copies') && copy(target.previousElementSibling.textContent));
