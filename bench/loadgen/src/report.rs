//! Figures: one JSON object on one line.

use crate::proc::Used;
use hdrhistogram::Histogram;
use serde_json::{Map, Value};
use std::io::{Error, Result};
use std::time::Duration;

pub struct Report(Map<String, Value>);

impl Report {
    pub fn new(scenario: &str) -> Report {
        let mut fields = Map::new();
        fields.insert("scenario".into(), scenario.into());
        Report(fields)
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Report {
        self.0.insert(name.into(), value.into());
        self
    }

    /// A figure, rounded for printing.
    pub fn figure(self, name: &str, value: f64) -> Report {
        self.with(name, (value * 1000.0).round() / 1000.0)
    }

    pub fn latencies(self, latencies: &Latencies) -> Report {
        let us = |q| latencies.us(q);
        self.figure("p50_us", us(0.5)).figure("p99_us", us(0.99)).figure("p999_us", us(0.999))
    }

    /// What each of `count` operations cost.
    pub fn cost(self, used: &Used, count: u64) -> Report {
        let each = |seconds: f64| seconds * 1e6 / count as f64;
        self.figure("per_s", count as f64 / used.wall)
            .figure("server_cpu_us", each(used.server.total()))
            .figure("server_user_us", each(used.server.user))
            .figure("server_sys_us", each(used.server.sys))
            .figure("server_cpu_share", used.server_share())
            .figure("client_cpu_us", each(used.client))
            .figure("others_cpu_share", used.others_share())
    }

    /// Prints what calls cost, how long they took, and how many answers were wrong.
    ///
    /// # Errors
    /// If any was, or none came: then the figures say nothing.
    pub fn calls(self, latencies: &Latencies, bad: u64, used: &Used) -> Result<()> {
        let done = latencies.count();
        self.with("calls", done).with("bad", bad).latencies(latencies).cost(used, done).print();
        if bad > 0 || done == 0 {
            return Err(Error::other(format!("{bad} of {done} answers were wrong")));
        }
        Ok(())
    }

    pub fn print(self) {
        println!("{}", Value::Object(self.0));
    }
}

/// The times that operations took.
pub struct Latencies(Histogram<u64>);

impl Latencies {
    pub fn new() -> Result<Latencies> {
        Histogram::new(3).map(Latencies).map_err(Error::other)
    }

    pub fn record(&mut self, time: Duration) {
        // Beyond 64 bits of nanoseconds lie centuries.
        let nanos = time.as_nanos().max(1) as u64;
        self.0.record(nanos).expect("the histogram grows with its values");
    }

    pub fn add(&mut self, other: &Latencies) -> Result<()> {
        self.0.add(&other.0).map_err(Error::other)
    }

    /// A quantile, in microseconds.
    pub fn us(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }
}
