//! Programs that tests start: each ends with the test process, even if that is killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs a command of a shell. Its output is appended to `log`, and its process id written to `pid`. When standard input ends, as it does with
/// this process, the shell kills the program.
pub fn supervised(command: &str, log: &Path, pid: &Path) -> Child {
    let script = format!(
        "{command} >> {log} 2>&1 < /dev/null &\n\
         program=$!\n\
         echo $program > {pid}\n\
         exec 3<&0\n\
         (cat <&3 > /dev/null; kill -9 $program 2> /dev/null) &\n\
         wait $program",
        log = log.display(),
        pid = pid.display(),
    );
    Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}
