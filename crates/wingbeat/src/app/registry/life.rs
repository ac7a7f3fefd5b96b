//! The life of a mounted service: it is set up once and torn down once, and never both at a time.

use crate::app::guard::contained;
use tokio::sync::Mutex;
use wingbeat_core::Result;

/// How far a service has come. Locked while it is set up or torn down, so that whoever asks meanwhile waits for that.
#[derive(Default)]
pub(super) struct Life(Mutex<Stage>);

#[derive(Clone, Copy, Default, PartialEq)]
enum Stage {
    /// Not set up yet. A setup that fails, panics or is given up leads back here, and may be done again.
    #[default]
    Mounted,
    SetUp,
    /// Torn down in part: whoever tore it down gave up.
    Leaving,
    Gone,
}

impl Life {
    /// Sets the service up, once. A service that is being torn down is not set up.
    pub(super) async fn set_up<F: Future<Output = Result<()>>>(&self, setup: impl FnOnce() -> F) -> Result<()> {
        let mut stage = self.0.lock().await;
        if *stage == Stage::Mounted {
            contained("A setup", setup).await?;
            *stage = Stage::SetUp;
        }
        Ok(())
    }

    /// Tears the service down, once, whether it was set up or not. Waits for a setup that runs.
    pub(super) async fn tear_down<F: Future<Output = Result<()>>>(&self, teardown: impl FnOnce() -> F) -> Result<()> {
        let mut stage = self.0.lock().await;
        if *stage == Stage::Gone {
            return Ok(());
        }
        *stage = Stage::Leaving;
        let outcome = contained("A teardown", teardown).await;
        *stage = Stage::Gone;
        outcome
    }
}
