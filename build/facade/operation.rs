//! One type per operation: its arguments, how they are sent, and setters for its query.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::VisitMut;

use crate::generator::model::{Api, Operation};
use crate::generator::open_types::ident;
use crate::generator::{docs, names, pagination, wire};

/// What every call can do; a query parameter of the same name gets a suffix.
const CALL_METHODS: [&str; 15] = [
    "new", "timeout", "deadline", "max_retries", "header", "query", "body_field", "idempotency_key", "retry_unsafe",
    "raw", "send", "pages", "items", "clone", "into_future",
];

/// An argument of an operation.
pub struct Argument {
    pub name: syn::Ident,
    /// The type as the operation owns it, without `Option`.
    pub ty: syn::Type,
    /// What a method takes for it, and how that becomes the owned value.
    pub takes: TokenStream,
    pub value: TokenStream,
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
    for input in &function.sig.inputs {
        let syn::FnArg::Typed(input) = input else { continue };
        let syn::Pat::Ident(pattern) = input.pat.as_ref() else { continue };
        let name = pattern.ident.to_string();
        let same = |param: &&crate::generator::model::Param| {
            names::ident(&param.wire).trim_end_matches('_') == name.trim_start_matches("r#").trim_end_matches('_')
        };
        let (kind, description) = if name == "body" {
            (Kind::Body, String::new())
        } else if let Some(param) = operation.path_params.iter().find(same) {
            (Kind::Path, param.description.clone())
        } else if let Some(param) = operation.query.iter().find(same) {
            (Kind::Query { required: param.required }, param.description.clone())
        } else {
            return Err(format!("{}: progenitor's argument `{name}` is not in the spec", operation.label()));
        };
        let ty = owned(&input.ty);
        let (takes, value) = input_of(&ty);
        arguments.push(Argument { name: pattern.ident.clone(), ty, takes, value, kind, description });
    }
    Ok(arguments)
}

/// `Option<&'a T>`, `&'a T`, `&'a str` → `T`, `String`.
fn owned(ty: &syn::Type) -> syn::Type {
    let ty = crate::generator::open_types::argument(ty, "Option").unwrap_or_else(|| ty.clone());
    let mut ty = match ty {
        syn::Type::Reference(reference) => *reference.elem,
        ty => ty,
    };
    wire::FieldTypes.visit_type_mut(&mut ty);
    if quote!(#ty).to_string() == "str" { syn::parse_quote! { ::std::string::String } } else { ty }
}

fn input_of(ty: &syn::Type) -> (TokenStream, TokenStream) {
    match quote!(#ty).to_string().as_str() {
        "bool" | "i64" => (quote! { #ty }, quote! { value }),
        _ => match crate::generator::open_types::argument(ty, "Vec") {
            Some(item) => (
                quote! { impl ::std::iter::IntoIterator<Item = impl ::std::convert::Into<#item>> },
                quote! { value.into_iter().map(::std::convert::Into::into).collect() },
            ),
            None => (quote! { impl ::std::convert::Into<#ty> }, quote! { value.into() }),
        },
    }
}

/// How the owned value is lent to progenitor's function.
fn lent(argument: &Argument, function: &syn::ImplItemFn) -> TokenStream {
    let name = &argument.name;
    let given = function.sig.inputs.iter().find_map(|input| match input {
        syn::FnArg::Typed(input) if matches!(input.pat.as_ref(), syn::Pat::Ident(p) if p.ident == *name) => {
            Some(&*input.ty)
        }
        _ => None,
    });
    let by_reference = |ty: &syn::Type| matches!(ty, syn::Type::Reference(_));
    let Some(given) = given else { return quote! { &self.#name } };
    match crate::generator::open_types::argument(given, "Option") {
        Some(inner) if quote!(#inner).to_string().ends_with("str") => quote! { self.#name.as_deref() },
        Some(inner) if by_reference(&inner) => quote! { self.#name.as_ref() },
        Some(_) => quote! { self.#name.clone() },
        None if by_reference(given) => quote! { &self.#name },
        None => quote! { self.#name.clone() },
    }
}

/// The type that progenitor's function answers with.
fn output(function: &syn::ImplItemFn) -> Option<syn::Type> {
    let syn::ReturnType::Type(_, ty) = &function.sig.output else { return None };
    let syn::Type::Path(path) = ty.as_ref() else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    let syn::GenericArgument::Type(first) = arguments.args.first()? else { return None };
    let mut ty = crate::generator::open_types::argument(first, "ResponseValue")?;
    wire::FieldTypes.visit_type_mut(&mut ty);
    Some(ty)
}

pub fn item(api: &Api, operation: &Operation, function: &syn::ImplItemFn) -> Result<TokenStream, String> {
    let arguments = arguments(operation, function)?;
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
    let lent = arguments.iter().map(|argument| lent(argument, function));
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
    let method = operation.http.to_uppercase();
    let path = &operation.path;
    let content_type = match &operation.body {
        Some(body) => {
            let media = &body.content_type;
            quote! { ::std::option::Option::Some(#media) }
        }
        None => quote! { ::std::option::Option::None },
    };
    let function_name = &function.sig.ident;
    let setters = setters(operation, &arguments)?;
    let paging = pagination::item(api, operation, &name)?;
    Ok(quote! {
        #[doc = #doc]
        #[derive(Clone)]
        pub struct #name { #(#fields,)* }

        impl crate::call::Operation for #name {
            type Output = #output;

            const FACTS: crate::call::Facts = crate::call::Facts {
                name: #call,
                method: #method,
                path: #path,
                content_type: #content_type,
            };

            fn check(&self) -> ::std::result::Result<(), crate::error::InvalidRequest> {
                #(#checks)*
                ::std::result::Result::Ok(())
            }

            #explain

            async fn send(&self, client: &wire::Client) -> crate::call::Sent<#output> {
                client.#function_name(#(#lent),*).await
            }
        }

        impl crate::call::sealed::Sealed for #name {}

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
    let methods: Vec<TokenStream> = optional
        .iter()
        .map(|argument| {
            let field = &argument.name;
            let method = match field.to_string() {
                taken if CALL_METHODS.contains(&taken.as_str()) => ident(&format!("{taken}_param")),
                _ => field.clone(),
            };
            let (takes, value) = (&argument.takes, &argument.value);
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
