use super::*;

/// Keys in the forms that they really have, with made-up values; what surrounds them is what errors say.
const SECRETS: &[(&str, &str)] = &[
    ("Incorrect API key provided: {}. You can find", "sk-proj-Ab12Cd34Ef56Gh78Ij90_Kl12-Mn34Op56"),
    ("Incorrect API key provided: {}", "sk-proj-********************abcd"),
    ("api_key={}", "sk-live-0123456789abcdef"),
    ("invalid x-api-key {}", "sk-ant-api03-Zz9Yy8Xx7Ww6Vv5-Uu4Tt3Ss2Rr1Qq0_AA"),
    ("no auth for {}!", "sk-or-v1-0123456789abcdef0123456789abcdef"),
    ("models/gemini:generateContent?key={}", "AIzaSyA1234567890-abcdefghijklmnopqrstu"),
    ("generativelanguage.googleapis.com/v1?alt=sse&key={}&x=1", "AIzaSyA1234567890"),
    ("token '{}' is expired", "ya29.a0AfH6SMBx1234567890-abc"),
    ("groq said {} is bad", "gsk_0123456789abcdefABCDEF0123456789abcdefABCDEF01234567"),
    ("xai: {}", "xai-0123456789abcdefABCDEF0123456789abcdefABCDEF"),
    ("Bearer {}", "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"),
    ("using {} failed", "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"),
    ("The token {} has no access", "ABSKQmVkcm9ja0FQSUtleS0xMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw=="),
    ("the access key {} is not valid", "AKIAIOSFODNN7EXAMPLE"),
    ("aws_secret_access_key={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("SecretAccessKey: {}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("Authorization: Basic {}", "dXNlcjpwYXNzd29yZA=="),
    ("Basic {} was refused", "YWxhZGRpbjpvcGVuc2VzYW1l"),
    ("authorization: Bearer {}, no", "eyJhbGciOi.J9-_x="),
    ("authorization={}", "opensesame"),
    ("api-key: {}", "0123456789abcdef0123456789abcdef"),
    ("Access denied due to invalid subscription key {}", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    (
        "azure: {}",
        "3AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUJQQJ99BAACYeBjFXJ3w3AAABACOGabcd",
    ),
    ("{\"error\":\"bad\",\"token\": \"{}\"}", "abcdefgh"),
    ("{\\\"secret\\\":\\\"{}\\\"}", "hunter2hunter2"),
    ("password={}&next=1", "correct-horse!battery"),
    ("client_secret = '{}'", "q1w2e3r4t5y6"),
    ("accessToken: {}", "0a1b2c3d4e5f6g7h"),
    ("perplexity {}", "pplx-0123456789abcdef0123456789abcdef"),
    (
        "jwt {}",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ),
    ("github {}", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("X-Goog-Api-Key: {}", "abcdefghijkl"),
    ("OPENAI_API_KEY={}", "proxy-key-for-tests"),
    ("Token {}", "0a1b2c3d4e5f6071"),
];

#[test]
fn keys_are_found_anywhere() {
    for (text, key) in SECRETS {
        for around in ["{}", "failed: {}", "({})", "first line\n{}\nlast line", "ünïcode {} ü"] {
            let told = around.replace("{}", &text.replace("{}", key));
            for redacted in [redact(&told), redact_keys(&told)] {
                assert!(!redacted.contains(key), "{redacted}");
                assert!(redacted.contains("[key]"), "{redacted}");
                // Not the half of it either.
                let half = key.get(key.len() / 2..).unwrap_or_default();
                assert!(!redacted.contains(half), "{redacted}");
            }
        }
    }
}

#[test]
fn ordinary_words_pass() {
    for text in [
        "",
        "the sk- prefix, bearer tokens, ünïcode and gpt-4.1-mini-2025-04-14",
        "task-based risk-assessment of the desk-research",
        "Basic authentication is required; Bearer authentication too",
        "hf_hub_download() failed for meta-llama/Llama-3.3-70B-Instruct",
        "ASIA-PACIFIC and Asia, AKIA",
        "maximum context length is 128000 tokens, you asked for 130000: max_tokens=4096",
        "token limit: 4096, token count: 12",
        "unknown key: temperature",
        "unexpected token: expected a comma at line 1 column 12",
        "missing key: messages.0.content",
        "no such key: maxOutputTokens",
        "key: value",
        "primary_key=customer_id and sort_key=created_at",
        "request req_011CSHoEeqs5C35K2UUqR7Fy was refused",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "anthropic.claude-3-5-sonnet-20241022-v2:0 in us-east-1",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
        "projects/my-project-12345/locations/us-central1/publishers/google/models/gemini-2.5-flash",
        "/home/User/work/Paid/rust-sdk/tests/ai_support/kinds.rs:42:17",
        "src/very/long/PathWithNames/of/Modules/that/go/on/and/on/for/a/while.rs",
        "Pneumonoultramicroscopicsilicovolcanoconiosis is a word of 45 letters",
        "ThisIsAVeryLongTypeNameOfSomeGenericBuilderWithManyParts<WithArguments>",
        "a = b, c == d, e => f, g:h",
        "429 Too Many Requests: rate_limit_exceeded: Rate limit reached for gpt-4o in organization",
        "cookie: none, signature: missing, secret: absent",
        "password must have 8 characters",
        "= == === . / ./ ... %",
        "1+1=2 and x=y",
    ] {
        assert_eq!(redact(text), text);
        assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn urls_are_left_out_of_texts() {
    for (text, expected) in [
        ("sending to (https://h/p?key=secret): refused", "sending to ([url]): refused"),
        ("see https://a.b/c(d)?e=f.", "see [url]."),
        ("\"http://a\" and 'wss://b'", "\"[url]\" and '[url]'"),
        ("a://b://c d", "[url] d"),
        ("://", "[url]"),
        ("plain: //text", "plain: //text"),
        ("äöü https://ü/ü ü", "äöü [url] ü"),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn what_a_deserializer_quotes_is_left_out() {
    for (text, expected) in [
        (
            r#"invalid type: string "Dear \"Bob\", you owe", expected u64 at line 1 column 9"#,
            "invalid type: string [value], expected u64 at line 1 column 9",
        ),
        ("a: unknown variant `the answer`, expected `b`", "a: unknown variant [value], expected `b`"),
        ("unknown field `x`, unknown field `y`", "unknown field [value], unknown field [value]"),
        (
            "failed to deserialize api response: error:missing field `id` content:{\"the\":\"answer\"}",
            "failed to deserialize api response: error:missing field `id`",
        ),
        ("invalid type: string \"cut", "invalid type: string [value]"),
        ("invalid type: map, expected u64", "invalid type: map, expected u64"),
        ("unknown variant ", "unknown variant "),
    ] {
        assert_eq!(redact(text), expected);
    }
    for name in [
        "serde_json::error::Error",
        "alloc::boxed::Box<serde_json::error::Error>",
        "&serde_path_to_error::Error<serde_json::error::Error>",
    ] {
        assert!(may_quote_an_answer(name), "{name}");
    }
    for name in ["my_serde_json::Error", "app::toml::Error", "core::num::error::ParseIntError", "panic", ""] {
        assert!(!may_quote_an_answer(name), "{name}");
    }
}

#[test]
fn a_text_is_cut_and_half_a_key_is_not_shown() {
    assert_eq!(redact(&"ü ".repeat(3_000_000)).chars().count(), LONGEST);
    assert_eq!(redact(&"x".repeat(5_000_000)).chars().count(), LONGEST);
    assert!(redact_keys(&"ü ".repeat(3_000_000)).len() <= LONGEST_KEPT);
    // A cut where the key is read leaves none of it.
    let key = "sk-proj-0123456789abcdef0123456789abcdef";
    for spaces in READ - 60..READ {
        let text = format!("{}{key} end{}", "https://a.b ", " ".repeat(spaces));
        assert!(!redact(&text).contains("0123"));
        let text = format!("{}{key}", "a://b ".repeat((spaces) / 6));
        assert!(!redact(&text).contains("sk-proj"), "{spaces}");
    }
}

#[test]
fn any_text_is_read() {
    let parts = [
        "sk-",
        "key",
        "=",
        ": ",
        "\"",
        "Bearer ",
        "ü",
        "\\",
        "://",
        "a1B2c3D4",
        ".",
        "/",
        " ",
        "token",
        "invalid type: string ",
    ];
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let text: String = (0..rng.usize(..30)).map(|_| *rng.choice(&parts).unwrap_or(&"")).collect();
        let once = redact(&text).into_owned();
        assert!(once.chars().count() <= LONGEST);
        let _ = redact_keys(&text);
    }
}
