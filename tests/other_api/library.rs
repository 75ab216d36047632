//! The SDK's sources on an unrelated spec: a library with books, loans and awkward names.
//!
//! The client was generated from `openapi/`; here it talks to a server that answers as told and
//! keeps what it was asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use other_api::types::{
    BookCreate, BookCreateShelf, BookItem, BookUpdate, Copy, Everything, FilmItem, Genre, Item, LoanCreate,
    LoansListStateItem, Reader, ReaderByCard, SoleList, SoleN,
};
use other_api::{AsyncPaid, Environment, Error, Nullable, Paid};
use serde_json::{Value, json};

/// A request as it came in.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    line: String,
    content_type: Option<String>,
    body: Value,
}

/// A server that gives its answers one after the other, then closes.
struct Library {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Library {
    fn answering(answers: impl IntoIterator<Item = Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v2", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = requests.clone();
        let answers: Vec<Value> = answers.into_iter().collect();
        std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let request = read(&stream);
                seen.lock().unwrap().push(request);
                write(&stream, &answer);
            }
        });
        Library { url, requests }
    }

    fn client(&self) -> AsyncPaid {
        AsyncPaid::builder().token("key").base_url(&self.url).max_retries(0).build().unwrap()
    }

    fn blocking_client(&self) -> Paid {
        Paid::builder().token("key").base_url(&self.url).max_retries(0).build().unwrap()
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    fn only(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut content_type, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-type" => content_type = Some(value.to_string()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request {
        line: line.trim_end().trim_end_matches(" HTTP/1.1").to_string(),
        content_type,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

/// Null is an answer without a body.
fn write(mut stream: &TcpStream, answer: &Value) {
    let (status, body) = match answer {
        Value::Null => ("204 No Content", String::new()),
        answer => ("200 OK", answer.to_string()),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
}

fn book(id: &str) -> Value {
    json!({"id": id, "title": "Emma", "isbn": null, "pages": 474})
}

#[test]
fn the_first_server_is_the_default_one() {
    assert_eq!(Environment::default(), Environment::Production);
    assert_eq!(Environment::Sandbox.base_url(), "https://sandbox.library.test/v2");
    assert_eq!(AsyncPaid::new("key").unwrap().base_url(), "https://api.library.test/v2");
}

#[tokio::test]
async fn a_body_holds_what_was_set_and_no_more() {
    let library = Library::answering([book("b1")]);
    let create = BookCreate::new("Emma", None::<String>)
        .genre(Genre::Novel)
        .labels([("kept", Some("yes".to_string())), ("gone", None)])
        .clear_rating()
        .cover(json!({"color": "red"}))
        .shelf(BookCreateShelf::new().clear_room())
        .parts([BookCreate::new("Volume 1", "978".to_string())]);
    let made = library.client().books().create(create).await.unwrap();
    assert_eq!((made.id.as_str(), made.isbn, made.pages), ("b1", None, 474));
    assert_eq!(
        library.only(),
        Request {
            line: "POST /v2/books".into(),
            content_type: Some("application/json".into()),
            body: json!({
                "title": "Emma", "isbn": null, "genre": "novel", "labels": {"kept": "yes", "gone": null},
                "rating": null, "cover": {"color": "red"}, "shelf": {"room": null},
                "parts": [{"title": "Volume 1", "isbn": "978"}],
            }),
        }
    );
}

#[tokio::test]
async fn a_merge_patch_says_so_and_sends_no_default() {
    let library = Library::answering([book("b/1")]);
    library.client().books().update("b/1", BookUpdate::new().clear_genre().pages(3)).await.unwrap();
    let request = library.only();
    assert_eq!(request.line, "PATCH /v2/books/b%2F1");
    assert_eq!(request.content_type.as_deref(), Some("application/merge-patch+json"));
    assert_eq!(request.body, json!({"genre": null, "pages": 3}));
}

#[tokio::test]
async fn answers_keep_what_this_version_does_not_know() {
    let mut answer = book("b1");
    answer["genre"] = "cookery".into();
    answer["type"] = "hologram".into();
    answer["labels"] = json!({"a": null, "b": "c"});
    answer["rating"] = json!(4);
    answer["publishedAt"] = "1815-12-23T00:00:00+01:00".into();
    answer["sequel"] = book("b2");
    answer["shelf"] = json!({"room": "A", "row": 2, "new": true});
    let library = Library::answering([answer]);
    let book = library.client().books().get("b1").await.unwrap();
    assert_eq!(book.genre.as_ref().unwrap().as_str(), "cookery");
    assert_eq!(book.type_.as_ref().unwrap().as_str(), "hologram");
    assert_eq!(book.labels.as_ref().unwrap()["a"], None);
    assert_eq!(book.rating.unwrap(), 4.into());
    assert_eq!(book.published_at.unwrap().to_rfc3339(), "1815-12-23T00:00:00+01:00");
    assert_eq!(book.sequel.as_ref().unwrap().id, "b2");
    assert_eq!(book.shelf.as_ref().unwrap().row, Some(2));
    let written = serde_json::to_value(&book).unwrap();
    assert_eq!((&written["genre"], &written["type"]), (&json!("cookery"), &json!("hologram")));
}

#[tokio::test]
async fn a_query_is_typed_and_named_as_on_the_wire() {
    let library = Library::answering([json!({})]);
    let after = chrono::DateTime::parse_from_rfc3339("2024-02-29T12:30:00+02:00").unwrap();
    let list = library.client().books().list();
    list.genre([Genre::ScienceFiction, Genre::from("cookery")])
        .after(after)
        .min_rating(3.5)
        .timeout_param(7)
        .type_("audio book")
        .in_stock(true)
        .await
        .unwrap();
    let line = library.only().line;
    let (target, query) = line.split_once('?').unwrap();
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    assert_eq!(target, "GET /v2/books");
    assert_eq!(
        pairs,
        [
            "after=2024-02-29T12%3A30%3A00%2B02%3A00",
            "genre=cookery",
            "genre=science-fiction",
            "inStock=true",
            "minRating=3.5",
            "timeout=7",
            "type=audio+book",
        ]
    );
}

#[tokio::test]
async fn pages_follow_the_cursor() {
    let page = |ids: &[&str], next: Value| {
        let books: Vec<Value> = ids.iter().map(|id| book(id)).collect();
        json!({"paging": {"books": books, "next": next}})
    };
    let pages = [page(&["b1", "b2"], "c 2".into()), page(&["b3"], Value::Null)];
    let library = Library::answering(pages.clone());
    let mut items = library.client().books().list().in_stock(true).items();
    let mut ids = Vec::new();
    while let Some(book) = items.next().await {
        ids.push(book.unwrap().id);
    }
    assert_eq!(ids, ["b1", "b2", "b3"]);
    let lines = library.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], "GET /v2/books?inStock=true");
    assert!(lines[1].contains("cursor=c+2") && lines[1].contains("inStock=true"), "{lines:?}");

    let library = Library::answering(pages);
    let ids: Vec<String> = tokio::task::spawn_blocking(move || {
        let client = library.blocking_client();
        client.books().list().items().map(|book| book.unwrap().id).collect()
    })
    .await
    .unwrap();
    assert_eq!(ids, ["b1", "b2", "b3"]);
}

#[test]
fn pages_count_by_number() {
    let loan = |id: &str| json!({"id": id, "item": {"kind": "book", "book_id": "b1"}});
    let library = Library::answering([
        json!({"loans": [loan("1")], "more": true}),
        json!({"loans": [loan("2")], "more": false}),
    ]);
    let client = library.blocking_client();
    let list = client.loans().list([LoansListStateItem::Open, LoansListStateItem::OverDue]);
    let pages: Vec<usize> =
        list.pages().map(|page| page.unwrap().loans.as_ref().map_or(0, Vec::len)).collect();
    assert_eq!(pages, [1, 1]);
    assert_eq!(
        library.lines(),
        ["GET /v2/loans?state=open&state=over-due", "GET /v2/loans?page=2&state=open&state=over-due"]
    );
}

#[tokio::test]
async fn a_union_is_sent_with_its_tag_and_read_by_it() {
    let library =
        Library::answering([json!({"id": "l1", "item": {"kind": "film", "title": "Emma", "dub": true}})]);
    let create = LoanCreate::new(BookItem::new("b1")).reader(ReaderByCard::new().card("c1").pin(7));
    let loan = library.client().loans().new(create).await.unwrap();
    let Item::FilmItem(film) = &loan.item else { panic!("{loan:?}") };
    assert_eq!((film.kind.as_str(), film.title.as_str()), ("film", "Emma"));
    assert_eq!(
        library.only().body,
        json!({"item": {"kind": "book", "book_id": "b1"}, "reader": {"card": "c1", "pin": 7}})
    );
}

#[tokio::test]
async fn a_union_keeps_a_tag_that_it_does_not_know() {
    let game = json!({"kind": "game", "title": "Go", "players": [2]});
    let library = Library::answering([json!({"id": "l1", "item": game}), json!({"id": "l2", "item": game})]);
    let client = library.client();
    let loan = client.loans().new(LoanCreate::new(FilmItem::new("film", "Emma"))).await.unwrap();
    assert_eq!(loan.item, Item::Unknown(game.clone()));
    client.loans().new(LoanCreate::new(loan.item)).await.unwrap();
    assert_eq!(library.requests()[1].body, json!({"item": game}));
}

#[test]
fn without_a_tag_the_shape_that_keeps_most_is_taken() {
    let read = |value: Value| serde_json::from_value::<Reader>(value).unwrap();
    assert!(matches!(read(json!({"id": "r1"})), Reader::ReaderById(_)));
    let Reader::ReaderByCard(card) = read(json!({"card": "c1", "pin": 7})) else { panic!("the wrong shape") };
    assert_eq!((card.card.as_deref(), card.pin), (Some("c1"), Some(7)));
    assert!(matches!(read(json!([1])), Reader::Unknown(_)));
    assert!(matches!(read(json!({"id": 1})), Reader::Unknown(_)));
}

#[test]
fn nested_resources_and_lists_work_blocking() {
    let copy = json!({"no": 3, "condition": null});
    let library = Library::answering([copy.clone(), json!([copy]), Value::Null]);
    let client = library.blocking_client();
    let copy = client.books().copies().get("b1", 3).send().unwrap();
    assert_eq!(copy.condition, Nullable::Null);
    let copies =
        client.books().copies().replace("b1", [copy, Copy::new(4).condition("worn")]).send().unwrap();
    assert_eq!(copies.len(), 1);
    #[allow(deprecated)]
    client.books().delete("b1").send().unwrap();
    assert_eq!(
        library.lines(),
        ["GET /v2/books/b1/copies/3", "PUT /v2/books/b1/copies", "DELETE /v2/books/b1"]
    );
    assert_eq!(
        library.requests()[1].body,
        json!({"copies": [{"no": 3, "condition": null}, {"no": 4, "condition": "worn"}]})
    );
}

#[tokio::test]
async fn a_free_form_body_is_any_object() {
    let library = Library::answering([json!({"kind": "book", "book_id": "b1"})]);
    let client = library.client();
    let found = client.search().run(json!({"q": "emma"})).await.unwrap();
    assert_eq!(found, Some(Item::from(BookItem::new("b1"))));
    assert_eq!(library.only().body, json!({"q": "emma"}));
    assert!(matches!(client.search().run(json!([1])).await, Err(Error::InvalidRequest(_))));
}

#[tokio::test]
async fn names_that_rust_uses_itself_are_only_names() {
    let names = json!({"type": "t", "self": "s", "Option": {"a": "o"}, "Vec": [{"a": "v"}], "2fa": "yes"});
    let library = Library::answering([names]);
    let at = "2024-01-01T00:00:00Z";
    let call = library
        .client()
        .type_()
        .match_(Genre::Poetry, at, true)
        .self_("me")
        .url("u")
        .client("c")
        .header_map("h");
    let names = call.await.unwrap();
    assert_eq!((names.type_.as_str(), names.self_.as_str(), names.n2fa.as_deref()), ("t", "s", Some("yes")));
    assert_eq!(names.option.unwrap().a, "o");
    assert_eq!(names.vec.unwrap()[0].a, "v");
    let line = library.only().line;
    assert!(line.starts_with("GET /v2/names/poetry/2024-01-01T00%3A00%3A00Z?"), "{line}");
    for pair in ["async=true", "self=me", "url=u", "client=c", "header_map=h"] {
        assert!(line.contains(pair), "{pair} is not in {line}");
    }
}

#[tokio::test]
async fn every_odd_type_compiles_and_travels() {
    let library = Library::answering([json!({"option": {"a": "1"}}), json!({"a": "1"}), json!(5)]);
    let client = library.client();
    let all = Everything::new()
        .option(other_api::types::Option::new("1"))
        .xypoint(other_api::types::XyPoint::new("2"));
    assert_eq!(client.odd().all(all).await.unwrap().option.as_ref().unwrap().a, "1");
    client.odd().list(SoleList::from([other_api::types::I::new("1")])).await.unwrap();
    client.odd().wrap(SoleN::new()).await.unwrap();
}
