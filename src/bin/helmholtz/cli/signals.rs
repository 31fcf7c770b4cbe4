//! Signals that the process was started to ignore, as `nohup` does with SIGHUP and a shell without job control with the SIGINT
//! of what it leaves in the background: they are remembered before handlers are set, and ignored again afterwards.

/// The signals that were ignored before any handler was set.
#[derive(Debug)]
pub struct Ignored {
    #[cfg(unix)]
    signals: Vec<libc::c_int>,
}

#[cfg(unix)]
impl Ignored {
    /// Of those that ask a program to end, the ones that are ignored now.
    pub fn now() -> Self {
        let signals = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
        Ignored { signals: signals.into_iter().filter(|signal| is_ignored(*signal)).collect() }
    }

    /// Ignores them again.
    pub fn restore(&self) {
        for signal in &self.signals {
            // SAFETY: ignoring a signal runs no code of ours, and the signals are ones that may be ignored.
            unsafe { libc::signal(*signal, libc::SIG_IGN) };
        }
    }
}

#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with no new action the call only writes the present one to where it is told, and zeros are a valid one as well.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Elsewhere processes are not started so.
#[cfg(not(unix))]
impl Ignored {
    /// None.
    pub fn now() -> Self {
        Ignored {}
    }

    /// Nothing to do.
    pub fn restore(&self) {}
}
