//! One type per operation: its arguments, how they are sent, and setters for its query.

use proc_macro2::TokenStream;
use quote::quote;

use crate::generator::model::{Api, Operation, Param};
use crate::generator::open_types::input::{self, Input};
use crate::generator::open_types::{argument, checks, ident};
use crate::generator::{docs, names, pagination};

/// What every call can do, hidden methods included; a query parameter of the same name gets a suffix.
const CALL_METHODS: [&str; 19] = [
    "new",
    "with",
    "operation",
    "operation_mut",
    "options_mut",
    "timeout",
    "deadline",
    "max_retries",
    "header",
    "query",
    "body_field",
    "idempotency_key",
    "retry_unsafe",
    "raw",
    "send",
    "pages",
    "items",
    "clone",
    "into_future",
];

/// An argument of an operation.
pub struct Argument {
    pub name: syn::Ident,
    /// The type as progenitor's function takes it.
    given: syn::Type,
    /// The type as the operation owns it, without `Option`.
    pub ty: syn::Type,
    pub input: Input,
    pub kind: Kind,
    pub description: String,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Path,
    Query { required: bool },
    Body,
}

/// The arguments of an operation, typed as progenitor typed them: path, then query, then body.
pub fn arguments(operation: &Operation, function: &syn::ImplItemFn) -> Result<Vec<Argument>, String> {
    let mut arguments = Vec::new();
    for argument in &function.sig.inputs {
        let syn::FnArg::Typed(argument) = argument else { continue };
        let syn::Pat::Ident(pattern) = argument.pat.as_ref() else { continue };
        let name = pattern.ident.to_string();
        let same = |param: &&Param| names::ident(&param.wire) == names::ident(&name);
        let (name, kind, description) = if name == "body" {
            (name, Kind::Body, String::new())
        } else if let Some(param) = operation.path_params.iter().find(same) {
            (names::ident(&param.wire), Kind::Path, param.description.clone())
        } else if let Some(param) = operation.query.iter().find(same) {
            let kind = Kind::Query { required: param.required };
            (names::ident(&param.wire), kind, param.description.clone())
        } else {
            return Err(format!(
                "{}: a parameter became `{name}`, which is none of its names: rename it to letters, digits and _",
                operation.label()
            ));
        };
        let ty = owned(&argument.ty);
        let given = (*argument.ty).clone();
        arguments.push(Argument {
            name: ident(&name),
            given,
            input: input::of_parameter(&ty),
            ty,
            kind,
            description,
        });
    }
    Ok(arguments)
}

/// `Option<&'a T>`, `&'a T`, `&'a str` → `T`, `String`.
fn owned(ty: &syn::Type) -> syn::Type {
    let ty = argument(ty, "Option").unwrap_or_else(|| ty.clone());
    let ty = match ty {
        syn::Type::Reference(reference) => *reference.elem,
        ty => ty,
    };
    if quote!(#ty).to_string() == "str" {
        syn::parse_quote! { ::std::string::String }
    } else {
        ty
    }
}

/// How the owned value is lent to progenitor's function.
fn lent(given: &Argument) -> TokenStream {
    let name = &given.name;
    let by_reference = |ty: &syn::Type| matches!(ty, syn::Type::Reference(_));
    match argument(&given.given, "Option") {
        Some(inner) if quote!(#inner).to_string().ends_with("str") => quote! { self.#name.as_deref() },
        Some(inner) if by_reference(&inner) => quote! { self.#name.as_ref() },
        Some(_) => quote! { self.#name.clone() },
        None if by_reference(&given.given) => quote! { &self.#name },
        None => quote! { self.#name.clone() },
    }
}

/// The type that progenitor's function answers with.
fn output(function: &syn::ImplItemFn) -> Option<syn::Type> {
    let syn::ReturnType::Type(_, ty) = &function.sig.output else { return None };
    let syn::Type::Path(path) = ty.as_ref() else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    let syn::GenericArgument::Type(first) = arguments.args.first()? else { return None };
    argument(first, "ResponseValue")
}

pub fn item(
    api: &Api,
    operation: &Operation,
    arguments: &[Argument],
    function: &syn::ImplItemFn,
) -> Result<TokenStream, String> {
    let name = ident(&operation.type_name());
    let output = output(function)
        .ok_or_else(|| format!("{}: progenitor's function has no answer type", operation.label()))?;
    let call = format!("{}.{}", operation.group.join("."), operation.method);
    let doc = format!(" `{call}`: `{}`.", operation.label());
    let fields = arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        match argument.kind {
            Kind::Query { required: false } => quote! { pub(crate) #name: ::std::option::Option<#ty> },
            _ => quote! { pub(crate) #name: #ty },
        }
    });
    let lent = arguments.iter().map(lent);
    let checks = arguments.iter().filter(|argument| argument.kind == Kind::Path).map(|argument| {
        let (name, text) = (&argument.name, argument.name.to_string());
        quote! { crate::transport::check_segment(#text, &self.#name.to_string())?; }
    });
    let explain = operation.body.is_some().then(|| {
        quote! {
            fn explain_body(&self) -> ::std::option::Option<crate::error::InvalidRequest> {
                crate::transport::explain(&self.body)
            }
        }
    });
    let checked = checks::checked(api);
    let check_body =
        operation.body.as_ref().filter(|body| checks::is_checked(&checked, &body.schema)).map(|_| {
            quote! {
                fn check_body(&self) -> ::std::result::Result<(), crate::error::InvalidRequest> {
                    crate::values::Check::check(&self.body)
                }
            }
        });
    let method = operation.http.to_uppercase();
    let path = &operation.path;
    let content_type = match &operation.body {
        Some(body) => {
            let media = &body.content_type;
            quote! { ::std::option::Option::Some(#media) }
        }
        None => quote! { ::std::option::Option::None },
    };
    let has_content = operation.response.is_some();
    let function_name = &function.sig.ident;
    let setters = setters(operation, arguments)?;
    let paging = pagination::item(api, operation, &name)?;
    Ok(quote! {
        #[doc = #doc]
        #[derive(Clone)]
        pub struct #name { #(#fields,)* }

        impl crate::operation::Operation for #name {
            type Output = #output;

            const FACTS: crate::operation::Facts = crate::operation::Facts {
                name: #call,
                method: #method,
                path: #path,
                content_type: #content_type,
                has_content: #has_content,
            };

            fn check(&self) -> ::std::result::Result<(), crate::error::InvalidRequest> {
                #(#checks)*
                ::std::result::Result::Ok(())
            }

            #check_body

            #explain

            async fn send(&self, client: &wire::Client) -> crate::operation::Sent<#output> {
                client.#function_name(#(#lent),*).await
            }
        }

        impl crate::operation::sealed::Sealed for #name {}

        #setters
        #paging
    })
}

fn setters(operation: &Operation, arguments: &[Argument]) -> Result<TokenStream, String> {
    let name = ident(&operation.type_name());
    let optional: Vec<&Argument> =
        arguments.iter().filter(|argument| argument.kind == Kind::Query { required: false }).collect();
    if optional.is_empty() {
        return Ok(quote! {});
    }
    let method_of = |argument: &Argument| match argument.name.to_string() {
        taken if CALL_METHODS.contains(&taken.as_str()) => format!("{taken}_param"),
        free => free,
    };
    for (at, argument) in optional.iter().enumerate() {
        let method = method_of(argument);
        if optional.iter().skip(at + 1).any(|other| method_of(other) == method) {
            return Err(format!(
                "{}: two query parameters are both `{method}` in Rust: rename one",
                operation.label()
            ));
        }
    }
    let methods: Vec<TokenStream> = optional
        .iter()
        .map(|argument| {
            let field = &argument.name;
            let method = ident(&method_of(argument));
            let Input { takes, convert } = &argument.input;
            let value = convert(quote! { value });
            let doc = docs::attributes(&argument.description, &field.to_string());
            quote! {
                #doc
                #[must_use]
                pub fn #method(mut self, value: #takes) -> Self {
                    self.operation_mut().#field = ::std::option::Option::Some(#value);
                    self
                }
            }
        })
        .collect();
    Ok(quote! {
        impl crate::Call<#name> { #(#methods)* }

        #[cfg(feature = "blocking")]
        impl crate::blocking::Call<#name> { #(#methods)* }
    })
}
