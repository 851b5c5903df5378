//! Memory of this process, as Linux counts it.

/// Resident memory, bytes; `None` where the system does not report it.
pub(super) fn resident_bytes() -> Option<f64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<f64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    Some(kib.trim().parse::<f64>().ok()? * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_status_of_the_process() {
        assert_eq!(resident("Name:\tchurnwatch\nVmHWM:\t    900 kB\nVmRSS:\t     520 kB\n"), Some(532_480.0));
        assert_eq!(resident("Name:\tchurnwatch\n"), None);
    }
}
