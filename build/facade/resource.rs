//! One struct per resource, with a method per operation, async and blocking.

use proc_macro2::TokenStream;
use quote::quote;

use super::operation::{Argument, Kind};
use super::{tag, type_name};
use crate::generator::docs;
use crate::generator::model::{Api, Operation};
use crate::generator::open_types::ident;
use crate::generator::open_types::input::Input;

/// The resource and its twin in the module `blocking`.
pub fn items(
    api: &Api,
    group: &[String],
    operations: &[(&Operation, Vec<Argument>)],
    children: &[&Vec<String>],
) -> TokenStream {
    let asynchronous = resource(api, group, operations, children, false);
    let blocking = resource(api, group, operations, children, true);
    quote! {
        #asynchronous

        /// The same operations on the blocking client.
        #[cfg(feature = "blocking")]
        pub mod blocking {
            use super::*;
            #blocking
        }
    }
}

fn resource(
    api: &Api,
    group: &[String],
    operations: &[(&Operation, Vec<Argument>)],
    children: &[&Vec<String>],
    blocking: bool,
) -> TokenStream {
    let name = ident(&type_name(group));
    let client = if blocking {
        quote! { crate::Paid }
    } else {
        quote! { crate::AsyncPaid }
    };
    let call = if blocking {
        quote! { crate::blocking::Call }
    } else {
        quote! { crate::Call }
    };
    let doc = docs::attributes(&tag(api, group), &group.join("."));
    let methods =
        operations.iter().map(|(operation, arguments)| method(api, operation, arguments, &call, blocking));
    let accessors = children.iter().map(|child| {
        let method = ident(child.last().map(String::as_str).unwrap_or_default());
        let module = ident(&child.join("_"));
        let ty = ident(&type_name(child));
        let doc = docs::attributes(&tag(api, child), &child.join("."));
        let path = match blocking {
            true => quote! { super::super::#module::blocking::#ty },
            false => quote! { super::#module::#ty },
        };
        quote! {
            #doc
            pub fn #method(&self) -> #path {
                #path { client: self.client.clone() }
            }
        }
    });
    quote! {
        #doc
        #[derive(Clone, Debug)]
        pub struct #name { pub(crate) client: #client }

        impl #name {
            #(#methods)*
            #(#accessors)*
        }
    }
}

fn method(
    api: &Api,
    operation: &Operation,
    arguments: &[Argument],
    call: &TokenStream,
    blocking: bool,
) -> TokenStream {
    let name = ident(&operation.method);
    let ty = ident(&operation.type_name());
    let mut takes = Vec::new();
    let mut fields = Vec::new();
    for argument in arguments {
        let name = &argument.name;
        if argument.kind == (Kind::Query { required: false }) {
            fields.push(quote! { #name: ::std::option::Option::None });
            continue;
        }
        let Input { takes: given, convert } = &argument.input;
        takes.push(quote! { #name: #given });
        let value = convert(quote! { #name });
        fields.push(if *name == value.to_string() {
            value
        } else {
            quote! { #name: #value }
        });
    }
    let doc = docs::method(api, operation, blocking);
    let deprecated =
        operation.deprecated.then(|| quote! { #[deprecated(note = "The API marks it as deprecated.")] });
    quote! {
        #doc
        #deprecated
        pub fn #name(&self #(, #takes)*) -> #call<#ty> {
            #call::new(self.client.clone(), #ty { #(#fields),* })
        }
    }
}
