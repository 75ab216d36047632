//! Paged operations: where the items are, and how the next page is asked for.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::model::{Api, Field, Operation, Pagination, Struct, component};
use super::names;
use super::open_types::ident;

/// `impl Paged` for a paged operation, nothing for another.
pub fn item(api: &Api, operation: &Operation, name: &syn::Ident) -> Result<TokenStream, String> {
    let Some(pagination) = &operation.pagination else { return Ok(quote! {}) };
    let (Pagination::Offset { results, .. } | Pagination::Cursor { results, .. }) = pagination;
    let steps = walk(api, operation, results)?;
    let element = element(api, operation, steps.last().copied())?;
    let items = taken(&steps);
    let next = match pagination {
        Pagination::Offset { offset, stepped, has_next, .. } => {
            let field = ident(&names::ident(offset));
            let more = match has_next {
                Some(path) => {
                    let lent = lent(&ending(api, operation, "has-next-page", path, "boolean")?);
                    quote! { if #lent == ::std::option::Option::Some(&false) { return ::std::option::Option::None; } }
                }
                None => quote! {},
            };
            let advance = match stepped {
                // By item: the next page starts after the items of this one.
                true => {
                    quote! { self.#field.unwrap_or(0).saturating_add(i64::try_from(count).unwrap_or(i64::MAX)) }
                }
                // By page number, which starts at 1.
                false => quote! { self.#field.unwrap_or(1).saturating_add(1) },
            };
            quote! {
                #more
                let mut next = self.clone();
                next.#field = ::std::option::Option::Some(#advance);
                ::std::option::Option::Some(next)
            }
        }
        Pagination::Cursor { cursor, next, .. } => {
            let field = ident(&names::ident(cursor));
            let lent = lent(&ending(api, operation, "next_cursor", next, "string")?);
            quote! {
                let cursor = #lent.filter(|cursor| !cursor.is_empty())?.clone();
                let mut next = self.clone();
                next.#field = ::std::option::Option::Some(cursor);
                ::std::option::Option::Some(next)
            }
        }
    };
    let lent_items = lent(&steps);
    Ok(quote! {
        impl crate::pager::Paged for #name {
            type Item = #element;

            fn items(page: Self::Output) -> ::std::vec::Vec<Self::Item> {
                #items.unwrap_or_default()
            }

            fn listed(page: &Self::Output) -> &[Self::Item] {
                #lent_items.map_or(&[], |items| items.as_slice())
            }

            fn next(&self, page: &Self::Output) -> ::std::option::Option<Self> {
                let count = Self::listed(page).len();
                if count == 0 {
                    return ::std::option::Option::None;
                }
                #next
            }
        }
    })
}

/// One step into an answer: the field, and the struct that it is part of.
#[derive(Clone, Copy)]
struct Step<'a> {
    field: &'a Field,
    owner: &'a Struct,
}

/// The fields along a path such as `meta.hasMore`.
fn walk<'a>(api: &'a Api, operation: &Operation, path: &[String]) -> Result<Vec<Step<'a>>, String> {
    let problem = || {
        format!(
            "{}: x-fern-pagination says $response.{}, which the answer does not have: correct the path",
            operation.label(),
            path.join(".")
        )
    };
    let mut schema = operation.response.as_ref().ok_or_else(problem)?;
    let mut fields = Vec::new();
    for step in path {
        let name = component(schema).ok_or_else(problem)?;
        let item = api.structs.get(name).ok_or_else(problem)?;
        let field = item.fields.iter().find(|field| field.wire == *step).ok_or_else(problem)?;
        schema = &field.schema;
        fields.push(Step { field, owner: item });
    }
    Ok(fields)
}

/// As `walk`, for a path that ends at a plain value.
fn ending<'a>(
    api: &'a Api,
    operation: &Operation,
    key: &str,
    path: &[String],
    kind: &str,
) -> Result<Vec<Step<'a>>, String> {
    let steps = walk(api, operation, path)?;
    let schema = steps.last().map_or(&Value::Null, |step| &step.field.schema);
    match schema["type"] == kind && schema.get("format").is_none() {
        true => Ok(steps),
        false => Err(format!(
            "{}: x-fern-pagination's {key} is not a {kind}: point it to a field of that type",
            operation.label()
        )),
    }
}

fn is_optional(field: &Field) -> bool {
    !field.required || field.nullable
}

/// `Option<&T>` of the field at the end of the path.
fn lent(steps: &[Step<'_>]) -> TokenStream {
    let mut code = quote! { ::std::option::Option::Some(page) };
    for Step { field, .. } in steps {
        let name = ident(&names::ident(&field.wire));
        code = match is_optional(field) {
            true => quote! { #code.and_then(|value| value.#name.as_ref()) },
            false => quote! { #code.map(|value| &value.#name) },
        };
    }
    code
}

/// `Option<T>` of the field at the end of the path, out of the page.
fn taken(steps: &[Step<'_>]) -> TokenStream {
    let mut code = quote! { ::std::option::Option::Some(page) };
    for Step { field, owner } in steps {
        let name = ident(&names::ident(&field.wire));
        code = match is_optional(field) {
            true if !field.required && field.nullable && owner.in_request => {
                quote! { #code.and_then(|value| value.#name.into_option()) }
            }
            true => quote! { #code.and_then(|value| value.#name) },
            false => quote! { #code.map(|value| value.#name) },
        };
    }
    code
}

fn element(api: &Api, operation: &Operation, list: Option<Step<'_>>) -> Result<TokenStream, String> {
    let schema = list.map(|step| &step.field.schema["items"]).unwrap_or(&Value::Null);
    let name = component(schema);
    match name {
        Some(name) if api.structs.contains_key(name) || api.unions.contains_key(name) => {
            let name = ident(name);
            Ok(quote! { types::#name })
        }
        _ => Err(format!(
            "{}: x-fern-pagination's results are not a list of objects: point `results` to one",
            operation.label()
        )),
    }
}
