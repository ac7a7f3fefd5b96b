//! From a `create` to everybody who hears of it: sessions over connections in memory.

use crate::crowd::Crowd;
use criterion::{BenchmarkId, Criterion, Throughput};
use std::sync::atomic::Ordering::Relaxed;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan-out");
    for sessions in [10, 100, 1000, 10_000] {
        let crowd = Crowd::new(sessions);
        group.throughput(Throughput::Elements(sessions));
        group.bench_function(BenchmarkId::from_parameter(sessions), |bencher| {
            bencher.iter(|| {
                let target = crowd.count.events.load(Relaxed) + sessions;
                crowd.publish();
                crowd.heard(target);
            });
        });
    }
    group.finish();
}
