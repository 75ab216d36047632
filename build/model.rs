//! What the later passes need to know of an API, read off the spec once.

use std::collections::BTreeMap;

use serde_json::Value;

/// A spec, prepared: what progenitor gets, and what it cannot carry.
#[derive(Debug)]
pub struct Api {
    pub title: String,
    pub servers: Vec<Server>,
    /// Resource docs by group path, `orders.lines`.
    pub tags: BTreeMap<String, String>,
    pub operations: Vec<Operation>,
    pub structs: BTreeMap<String, Struct>,
    pub enums: BTreeMap<String, Enum>,
    pub unions: BTreeMap<String, Union>,
    /// What was changed on the way and may matter to the reader of the build log.
    pub warnings: Vec<String>,
}

#[derive(Debug)]
pub struct Server {
    pub name: String,
    pub url: String,
    pub description: String,
}

#[derive(Debug)]
pub struct Operation {
    pub id: String,
    pub group: Vec<String>,
    pub method: String,
    pub http: String,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub deprecated: bool,
    pub path_params: Vec<Param>,
    pub query: Vec<Param>,
    pub body: Option<Body>,
    /// The schema of the answer, in the form progenitor gets; none for an empty answer.
    pub response: Option<Value>,
    /// Documented error statuses with what they mean.
    pub errors: Vec<(String, String)>,
    pub pagination: Option<Pagination>,
}

impl Operation {
    /// How messages name an operation.
    pub fn label(&self) -> String {
        format!("{} {}", self.http.to_uppercase(), self.path)
    }

    /// The name of its type in `operations`: `CustomersGetByExternalId`.
    pub fn type_name(&self) -> String {
        let words: Vec<&str> = self.group.iter().map(String::as_str).chain([self.method.as_str()]).collect();
        super::names::variant(&words.join("_"))
    }
}

#[derive(Clone, Debug)]
pub struct Param {
    pub wire: String,
    pub description: String,
    pub required: bool,
    pub schema: Value,
}

#[derive(Debug)]
pub struct Body {
    pub schema: Value,
    pub content_type: String,
}

impl Body {
    /// The component that it is, if it is not free-form.
    pub fn component(&self) -> Option<&str> {
        component(&self.schema)
    }
}

/// The component that a schema refers to.
pub fn component(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().and_then(|target| target.rsplit('/').next())
}

/// `x-fern-pagination`, by kind.
#[derive(Debug)]
pub enum Pagination {
    /// The next page starts `results` items later, or is the next page number where no step is named.
    Offset { offset: String, stepped: bool, results: Vec<String>, has_next: Option<Vec<String>> },
    /// The answer names the cursor of the next page.
    Cursor { cursor: String, next: Vec<String>, results: Vec<String> },
}

#[derive(Debug)]
pub struct Struct {
    pub description: String,
    pub fields: Vec<Field>,
    /// `x-paid-requires`: of each group of fields, one must be given.
    pub requires: Vec<Vec<String>>,
    /// Whether a request can contain it.
    pub in_request: bool,
}

#[derive(Debug)]
pub struct Field {
    pub wire: String,
    pub description: String,
    pub required: bool,
    pub nullable: bool,
    pub schema: Value,
}

#[derive(Debug)]
pub struct Enum {
    pub description: String,
    pub values: Vec<String>,
}

#[derive(Debug)]
pub struct Union {
    pub description: String,
    /// Component names of the alternatives.
    pub members: Vec<String>,
    pub discriminator: Option<Discriminator>,
}

#[derive(Debug)]
pub struct Discriminator {
    pub property: String,
    /// Tag value to component name.
    pub mapping: BTreeMap<String, String>,
}
