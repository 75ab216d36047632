//! Unions: one variant per alternative, and one for what is none of them.

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use crate::generator::docs;
use crate::generator::model::Union;

pub fn item(name: &str, item: &Union) -> Result<TokenStream, String> {
    let ty = ident(name);
    let members: Vec<syn::Ident> = item.members.iter().map(|member| ident(member)).collect();
    let unknown = ident(&super::unknown(|name| item.members.iter().any(|member| member == name)));
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
            let mut best = crate::values::BestFit::new(&value);
            #(best.offer(|known: #members| Self::#members(::std::boxed::Box::new(known)));)*
            ::std::result::Result::Ok(best.found().unwrap_or(Self::#unknown(value)))
        },
    };
    let writes = item.members.iter().map(|member| {
        let given = item.discriminator.as_ref().and_then(|given| {
            let tag = given.mapping.iter().find(|(_, target)| *target == member)?.0;
            Some((&given.property, tag))
        });
        match given {
            // A member that was made without its tag gets it here.
            Some((property, tag)) => quote! { crate::values::tagged(value, #property, #tag, serializer) },
            None => quote! { ::serde::Serialize::serialize(value, serializer) },
        }
    });
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
            fn serialize<__S: ::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::std::result::Result<__S::Ok, __S::Error> {
                match self {
                    #(Self::#members(value) => #writes,)*
                    Self::#unknown(value) => ::serde::Serialize::serialize(value, serializer),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for #ty {
            fn deserialize<__D: ::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::std::result::Result<Self, __D::Error> {
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
