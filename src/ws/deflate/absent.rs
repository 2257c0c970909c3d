//! Stands in for `deflate` in builds without it. The types have no values, so the compiler removes all code that uses them.

use crate::ws::connection::Message;
use std::fmt;
use tungstenite::{Error, http::HeaderMap};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Deflate {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Compression {}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Compressed {}

#[derive(Debug)]
pub(crate) enum Unmarker {}

#[derive(Debug, Default, Clone)]
pub(crate) struct CompressedFrames;

#[derive(Debug)]
pub(crate) struct Inflater;

impl Deflate {
    pub(crate) fn offer(self) -> String {
        match self {}
    }

    pub(crate) fn check(self, _headers: &HeaderMap) -> Result<Option<Agreement>, &'static str> {
        match self {}
    }
}

impl Agreement {
    pub(crate) fn compression(self) -> Option<Compression> {
        match self {}
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Compression {
    pub(crate) fn compress(self, _payload: &[u8]) -> Option<Vec<u8>> {
        match self {}
    }
}

impl CompressedFrames {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) fn get(&self, _frames: &[u8], compression: Compression) -> &[u8] {
        match compression {}
    }
}

impl Inflater {
    pub(crate) fn new(_agreement: Option<Agreement>) -> Self {
        Self
    }

    pub(crate) fn inflate(&mut self, kind: Compressed, _payload: &[u8], _max: usize) -> Result<Message, Error> {
        match kind {}
    }
}

impl Unmarker {
    pub(crate) fn new(agreement: Agreement) -> Self {
        match agreement {}
    }

    pub(crate) fn next_read(&self) -> usize {
        match *self {}
    }

    pub(crate) fn change(&mut self, _bytes: &mut [u8]) {
        match *self {}
    }

    pub(crate) fn message(&self) -> Option<Compressed> {
        match *self {}
    }
}
