//! Unions: one variant per alternative, and one for what is none of them.

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use crate::generator::docs;
use crate::generator::model::Union;

pub fn item(name: &str, item: &Union) -> Result<TokenStream, String> {
    let ty = ident(name);
    let members: Vec<syn::Ident> = item.members.iter().map(|member| ident(member)).collect();
    let unknown = ident(if item.members.iter().any(|member| member == "Unknown") { "UnknownValue" } else { "Unknown" });
    let doc = docs::attributes(&item.description, name);
    let read = match &item.discriminator {
        Some(given) => {
            let property = &given.property;
            let tags = given.mapping.keys();
            let targets = given.mapping.values().map(|target| ident(target));
            quote! {
                let tag = value.get(#property).and_then(::serde_json::Value::as_str).unwrap_or_default();
                match tag {
                    #(#tags => ::serde_json::from_value(value)
                        .map(|value| Self::#targets(::std::boxed::Box::new(value)))
                        .map_err(::serde::de::Error::custom),)*
                    _ => ::std::result::Result::Ok(Self::#unknown(value)),
                }
            }
        }
        None => quote! {
            #(if let ::std::result::Result::Ok(known) = <#members as ::serde::Deserialize>::deserialize(&value) {
                return ::std::result::Result::Ok(Self::#members(::std::boxed::Box::new(known)));
            })*
            ::std::result::Result::Ok(Self::#unknown(value))
        },
    };
    let member_docs = item.members.iter().map(|member| format!(" See [`{member}`]."));
    Ok(quote! {
        #doc
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum #ty {
            #(#[doc = #member_docs] #members(::std::boxed::Box<#members>),)*
            /// A form that this version of the SDK does not know. It is kept and sent back unchanged.
            #unknown(::serde_json::Value),
        }

        #(impl ::std::convert::From<#members> for #ty {
            fn from(value: #members) -> Self {
                Self::#members(::std::boxed::Box::new(value))
            }
        })*

        impl ::serde::Serialize for #ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                match self {
                    #(Self::#members(value) => value.serialize(serializer),)*
                    Self::#unknown(value) => value.serialize(serializer),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for #ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let value = <::serde_json::Value as ::serde::Deserialize>::deserialize(deserializer)?;
                #read
            }
        }

        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for #ty {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                #name.into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({"anyOf": [#(generator.subschema_for::<#members>()),*]})
            }
        }
    })
}
