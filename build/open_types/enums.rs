//! Enums that keep a value they don't know and write it back unchanged.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use crate::generator::docs;
use crate::generator::model::Enum;
use crate::generator::{names, prose};

pub fn item(name: &str, item: &Enum) -> Result<TokenStream, String> {
    let mut variants: BTreeMap<String, &str> = BTreeMap::new();
    for value in &item.values {
        if let Some(other) = variants.insert(names::variant(value), value) {
            return Err(format!(
                "enum {name}: values `{other}` and `{value}` are both `{}` in Rust: drop one, unknown values are \
                 kept anyway",
                names::variant(value)
            ));
        }
    }
    let ty = ident(name);
    let unknown = ident(&super::unknown(|name| variants.contains_key(name)));
    let values: Vec<&str> = item.values.iter().map(String::as_str).collect();
    let idents: Vec<syn::Ident> = values.iter().map(|value| ident(&names::variant(value))).collect();
    let value_docs = values.iter().map(|value| format!(" {}", prose::code(value)));
    let doc = docs::attributes(&item.description, name);
    Ok(quote! {
        #doc
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum #ty {
            #(#[doc = #value_docs] #idents,)*
            /// A value that this version of the SDK does not know. It is kept and sent back unchanged.
            #unknown(crate::UnknownValue),
        }

        impl #ty {
            /// The values that this version of the SDK knows.
            pub const VALUES: &'static [&'static str] = &[#(#values),*];

            /// The value as the API writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#idents => #values,)*
                    Self::#unknown(value) => value.as_str(),
                }
            }
        }

        impl ::std::convert::From<&str> for #ty {
            fn from(value: &str) -> Self {
                match value {
                    #(#values => Self::#idents,)*
                    other => Self::#unknown(crate::UnknownValue::new(other)),
                }
            }
        }

        impl ::std::convert::From<::std::string::String> for #ty {
            fn from(value: ::std::string::String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl ::std::fmt::Display for #ty {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for #ty {
            fn serialize<__S: ::serde::Serializer>(&self, serializer: __S) -> ::std::result::Result<__S::Ok, __S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for #ty {
            fn deserialize<__D: ::serde::Deserializer<'de>>(deserializer: __D) -> ::std::result::Result<Self, __D::Error> {
                let value = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                ::std::result::Result::Ok(Self::from(value.as_ref()))
            }
        }

        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for #ty {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                #name.into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                // Not an `enum`: the API may know more values.
                ::schemars::json_schema!({"type": "string", "examples": [#(#values),*]})
            }
        }
    })
}
