//! The program under test as a child process: started on a free port, watched through /proc, stopped with SIGTERM.
//!
//! Knows processes and files; of the API it knows `/healthz` only.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for the first `/healthz`; a damaged index may have to be rebuilt first.
const START_MAX: Duration = Duration::from_mins(2);
/// The server promises to drain and exit within 10 s.
const STOP_MAX: Duration = Duration::from_secs(15);
/// Linux counts CPU time in ticks of 1/100 s for all programs (USER_HZ), whatever the kernel was built with.
const TICKS_PER_SECOND: f64 = 100.0;
/// The API key the server is started with, and every request carries.
pub const API_KEY: &str = "benchkey.0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A running server. Killed when dropped, so that a failed run leaves nothing behind.
pub struct Server {
    child: Child,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// From starting the process to the first 200 of `/healthz`.
    pub start_time: Duration,
    /// When the process was started.
    pub started: Instant,
}

/// Memory of the process, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident: u64,
    /// Highest since the start, or since [`Server::reset_peak`].
    pub peak: u64,
}

impl Server {
    /// Starts `binary serve` over the folder `data`; its output goes to `log`.
    pub async fn start(binary: &Path, data: &Path, log: &Path) -> Result<Self> {
        let port = free_port()?;
        let output = File::options().create(true).append(true).open(log).context("opening the server's log")?;
        let started = Instant::now();
        let child = Command::new(binary)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .env("EVALSET_API_KEY", API_KEY)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Self { child, log: log.to_owned(), url, start_time: Duration::ZERO, started };
        server.wait_until_healthy().await?;
        Ok(server)
    }

    async fn wait_until_healthy(&mut self) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let url = format!("{}/healthz", self.url);
        loop {
            if client.get(&url).send().await.is_ok_and(|reply| reply.status().is_success()) {
                self.start_time = self.started.elapsed();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at start ({status}); its last words:\n{}", self.last_words());
            }
            ensure!(self.started.elapsed() < START_MAX, "the server is not up after {START_MAX:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Last lines of the server's output.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Memory now; `None` where there is no /proc.
    pub fn memory(&self) -> Option<Memory> {
        parse_memory(&fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?)
    }

    /// Makes [`Memory::peak`] start anew from the present size. Best effort: needs Linux.
    pub fn reset_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").ok();
    }

    /// CPU seconds used so far, all threads, user and system; `None` where there is no /proc.
    pub fn cpu_seconds(&self) -> Option<f64> {
        parse_cpu(&fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?)
    }

    /// SIGTERM and wait. An unclean exit is an error.
    pub async fn stop(&mut self) -> Result<Duration> {
        let asked = Instant::now();
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        ensure!(sent.context("running kill")?.success(), "kill could not signal the server");
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server stopped with {status}; its last words:\n{}", self.last_words());
                return Ok(asked.elapsed());
            }
            ensure!(asked.elapsed() < STOP_MAX, "the server still runs {STOP_MAX:?} after SIGTERM");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?.local_addr()?.port())
}

/// Reads `VmRSS` and `VmHWM` of /proc/PID/status.
fn parse_memory(status: &str) -> Option<Memory> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    Some(Memory { resident: kilobytes("VmRSS")? * 1024, peak: kilobytes("VmHWM")? * 1024 })
}

/// Reads `utime` and `stime`, fields 14 and 15 of /proc/PID/stat. The second field may hold blanks and brackets.
fn parse_cpu(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// Bytes of all files under `folder`.
pub fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { folder_bytes(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

/// Copies the contents of a folder into one that is there; where the file system can, without copying bytes.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            fs::create_dir(&target)?;
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copying {}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_copied_with_what_is_in_them() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(from.path().join("data/index")).unwrap();
        fs::write(from.path().join("bench.json"), "{}").unwrap();
        fs::write(from.path().join("data/index/columns"), "12345").unwrap();
        copy_folder(from.path(), to.path()).unwrap();
        assert_eq!(folder_bytes(to.path()).unwrap(), 7);
        assert_eq!(fs::read(to.path().join("data/index/columns")).unwrap(), b"12345");
    }

    #[test]
    fn proc_files_are_read() {
        let status = "Name:\tevalset\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        assert_eq!(parse_memory(status), Some(Memory { resident: 1 << 20, peak: 2 << 20 }));
        assert_eq!(parse_memory("Name: x\n"), None);
        let stat = "77 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 4 0 99";
        assert_eq!(parse_cpu(stat), Some(2.0));
        assert_eq!(parse_cpu("77 (x) S 1"), None);
    }

    #[tokio::test]
    async fn a_program_that_ends_at_once_is_reported_with_its_output() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("server.log");
        // `cat serve …` complains about files that are not there, on standard error.
        let error = Server::start(Path::new("cat"), folder.path(), &log).await.err().unwrap();
        assert!(error.to_string().contains("ended at start"), "{error}");
        assert!(error.to_string().contains("cat"), "{error}");
    }
}
