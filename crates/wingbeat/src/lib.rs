//! Wingbeat.
