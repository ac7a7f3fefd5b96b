//! The hot paths one by one: `make micro`.

mod channels;
mod codec;
mod crowd;
mod dispatch;
mod fan_out;

fn main() {
    let mut criterion = criterion::Criterion::default().configure_from_args();
    codec::benches(&mut criterion);
    dispatch::benches(&mut criterion);
    fan_out::benches(&mut criterion);
    channels::benches(&mut criterion);
    criterion.final_summary();
}
