//! Packets from and to text.

use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use wingbeat_core::json::within_depth;
use wingbeat_protocol::packet::{Arguments, Frame, Packet};

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for bytes in [100, 1024, 16_384] {
        let record = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - 11));
        let packet = format!(r#"20["create","messages",{record},{{}}]"#);
        let arguments = format!(r#"["create","messages",{record},{{}}]"#);
        group.throughput(Throughput::Bytes(packet.len() as u64));
        group.bench_with_input(BenchmarkId::new("packet", bytes), &packet, |bencher, packet| {
            bencher.iter(|| Packet::decode(black_box(packet)).expect("it is a packet"));
        });
        group.bench_with_input(BenchmarkId::new("arguments", bytes), &arguments, |bencher, text| {
            bencher.iter(|| Arguments::parse(black_box(text), 64).expect("they are arguments"));
        });
        group.bench_with_input(BenchmarkId::new("depth", bytes), &arguments, |bencher, text| {
            bencher.iter(|| within_depth(black_box(text.as_bytes())));
        });
        group.bench_with_input(BenchmarkId::new("event", bytes), &record, |bencher, record| {
            bencher.iter(|| Frame::event("/", "messages created", &[black_box(record.as_bytes())]));
        });
    }
    group.finish();
}
