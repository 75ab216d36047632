//! What a collector answers, and how the answer goes wrong.

use std::time::Duration;

/// How the connection goes on after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The whole answer; the next request may come.
    Whole,
    /// Closed without an answer.
    Close,
    /// Reset without an answer.
    Reset,
    /// Closed after half of the body.
    Half,
    /// Closed without an answer, a while later.
    CloseAfter(Duration),
    /// Never anything.
    Hang,
    /// A byte every 100 ms.
    Drip,
    /// A body that never ends.
    Endless,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub ending: Ending,
    /// Whether the collector keeps the spans.
    pub taken: bool,
}

impl Answer {
    /// Takes the spans if the status says so.
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            ending: Ending::Whole,
            taken: (200..300).contains(&status),
        }
    }

    pub fn ok() -> Answer {
        Answer::status(200)
    }

    /// As a collector refuses: in protobuf, with these words.
    pub fn refusal(status: u16, words: &str) -> Answer {
        let length = u8::try_from(words.len()).unwrap();
        let body = [&[0x08, 0x03, 0x12, length][..], words.as_bytes()].concat();
        Answer::status(status).body(body).header("content-type", "application/x-protobuf")
    }

    /// A page of HTML, as whatever is no collector answers.
    pub fn page(status: u16) -> Answer {
        let answer = Answer::status(status).body("<html><body>Sign in</body></html>");
        Answer { taken: false, ..answer.header("content-type", "text/html; charset=utf-8") }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = body.into();
        self
    }

    /// The spans are taken, and then this happens.
    pub fn taken_then(mut self, ending: Ending) -> Answer {
        self.taken = true;
        self.ending = ending;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Answer\r\n", self.status);
        if self.ending == Ending::Endless {
            head += "content-length: 1000000000000\r\n";
        } else if self.status != 204 {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        [format!("{head}\r\n").as_bytes(), &self.body].concat()
    }
}
