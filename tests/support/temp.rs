//! A temporary folder or disk of one test.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// A temporary folder. Dropping this deletes it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder. `name` becomes a part of its path.
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("chinwag-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        Folder(path)
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("temporary folders have plain names").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file system of 8 MiB in memory. Dropping this unmounts it.
#[derive(Debug)]
pub struct SmallDisk(Folder);

impl SmallDisk {
    /// `None` without root.
    pub fn mount(name: &str) -> Option<SmallDisk> {
        let folder = Folder::new(name);
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "none", &folder.path(".")]).output();
        mount.is_ok_and(|output| output.status.success()).then_some(SmallDisk(folder))
    }

    /// The path of a file on it.
    pub fn path(&self, name: &str) -> String {
        self.0.path(name)
    }

    /// Mounts it again as `ro` or `rw`.
    pub fn remount(&self, how: &str) {
        let option = format!("remount,{how}");
        let status = Command::new("mount").args(["-o", &option, &self.0.path(".")]).status();
        assert!(status.is_ok_and(|status| status.success()), "mount -o {option}");
    }

    /// Fills it completely.
    pub fn fill(&self) {
        let mut file = File::create(self.0.path("ballast")).expect("room for a file name");
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Deletes what `fill` wrote.
    pub fn make_room(&self) {
        fs::remove_file(self.0.path("ballast")).expect("it was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path(".")).status();
    }
}

/// A disk in a file, which can be frozen. Dropping this unmounts it.
#[derive(Debug)]
pub struct SlowDisk(Folder);

/// A frozen disk: writes block until this is dropped.
#[derive(Debug)]
pub struct Frozen(String);

impl SlowDisk {
    /// `None` without root, or in some containers.
    pub fn mount(name: &str) -> Option<SlowDisk> {
        let disk = SlowDisk(Folder::new(name));
        File::create(disk.0.path("image")).and_then(|image| image.set_len(32 << 20)).expect("a sparse file");
        fs::create_dir(disk.0.path("disk")).expect("a folder");
        let (image, point) = (disk.0.path("image"), disk.0.path("disk"));
        let done = ran("mkfs.ext4", &["-q", &image]) && ran("mount", &["-o", "loop", &image, &point]);
        done.then_some(disk)
    }

    /// The path of a file on it.
    pub fn path(&self, name: &str) -> String {
        self.0.path(&format!("disk/{name}"))
    }

    /// Drop the returned value before anything that writes to the disk in its `drop`.
    pub fn freeze(&self) -> Frozen {
        assert!(ran("fsfreeze", &["-f", &self.0.path("disk")]), "fsfreeze is part of util-linux");
        Frozen(self.0.path("disk"))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        ran("fsfreeze", &["-u", &self.0]);
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        ran("umount", &["-l", &self.0.path("disk")]);
    }
}

fn ran(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}
