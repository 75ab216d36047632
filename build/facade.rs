//! The resource clients: async and blocking twins from the same table of operations.

mod operation;
mod resource;

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Api, Operation};
use super::open_types::ident;
use super::{docs, names, prepare, wire};

/// One generated file.
pub struct File {
    pub name: String,
    pub code: syn::File,
    /// Whether its items are part of the public surface.
    pub public: bool,
}

/// What the clients call themselves; a resource of the same name would hide it.
const CLIENT_METHODS: [&str; 15] = [
    "shared",
    "from_shared",
    "new",
    "from_env",
    "builder",
    "trace",
    "capture",
    "signal",
    "initialize_tracing",
    "delivery",
    "flush",
    "shutdown",
    "base_url",
    "clone",
    "generate_tracing_token",
];

/// One file per resource, and `mod.rs` that joins them.
pub fn files(api: &Api, raw: &syn::File) -> Result<Vec<File>, String> {
    let functions: BTreeMap<String, &syn::ImplItemFn> =
        wire::functions(raw).map(|function| (function.sig.ident.to_string(), function)).collect();
    let mut groups: BTreeMap<Vec<String>, Vec<&Operation>> = BTreeMap::new();
    for operation in &api.operations {
        // A group that only holds groups still is a resource.
        for depth in 1..=operation.group.len() {
            groups.entry(operation.group[..depth].to_vec()).or_default();
        }
        groups.entry(operation.group.clone()).or_default().push(operation);
    }
    check_names(&groups)?;
    let mut files = Vec::new();
    for (group, operations) in &groups {
        let children: Vec<&Vec<String>> = groups
            .keys()
            .filter(|other| other.len() == group.len() + 1 && other.starts_with(group))
            .collect();
        let mut code = TokenStream::new();
        let mut methods = Vec::new();
        for operation in operations {
            let name = prepare::wire_function(operation);
            let Some(function) = functions.get(&name) else {
                return Err(format!(
                    "{}: its operationId `{}` makes no usable name: use letters, digits and _",
                    operation.label(),
                    operation.id
                ));
            };
            let arguments = operation::arguments(operation, function)?;
            code.extend(operation::item(api, operation, &arguments, function)?);
            methods.push((*operation, arguments));
        }
        code.extend(resource::items(api, group, &methods, &children));
        files.push(File { name: group.join("_"), code: parse(code)?, public: true });
    }
    files.push(File { name: "mod".into(), code: parse(joined(api, &groups))?, public: false });
    files.push(File { name: "clients".into(), code: parse(clients(api, &groups))?, public: true });
    Ok(files)
}

fn parse(code: TokenStream) -> Result<syn::File, String> {
    syn::parse2(quote! { #code }).map_err(|error| format!("a resource does not parse: {error}"))
}

fn check_names(groups: &BTreeMap<Vec<String>, Vec<&Operation>>) -> Result<(), String> {
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    for (group, operations) in groups {
        let place = group.join(".");
        let kinds = operations.iter().map(|operation| (operation.type_name(), operation.label()));
        for (name, owner) in kinds.chain([(type_name(group), format!("resource {place}"))]) {
            if let Some(other) = types.insert(name.clone(), owner.clone()) {
                return Err(format!(
                    "{other} and {owner} are both `{name}` in Rust: rename a group or method"
                ));
            }
        }
        if let [root] = group.as_slice()
            && (CLIENT_METHODS.contains(&root.as_str())
                || ["types", "wire", "clients", "resources", "operations"].contains(&root.as_str()))
        {
            return Err(format!(
                "the group `{root}` would hide a method or module of the client: change x-fern-sdk-group-name"
            ));
        }
        for operation in operations {
            let child: Vec<String> = group.iter().cloned().chain([operation.method.clone()]).collect();
            if groups.contains_key(&child) {
                return Err(format!(
                    "{}: `{place}.{}` is a group too: change x-fern-sdk-method-name",
                    operation.label(),
                    operation.method
                ));
            }
        }
    }
    Ok(())
}

fn type_name(group: &[String]) -> String {
    names::variant(&group.join("_"))
}

/// `mod.rs`: the modules, and what of them is public under which name.
fn joined(api: &Api, groups: &BTreeMap<Vec<String>, Vec<&Operation>>) -> TokenStream {
    let modules = ["types".to_string()].into_iter().chain(groups.keys().map(|group| group.join("_")));
    let modules = modules.map(|name| {
        let doc = match name.as_str() {
            "types" => " The models of the API.".to_string(),
            name => format!(" The operations of `{name}`."),
        };
        let file = format!("/{name}.rs");
        let name = ident(&name);
        quote! {
            #[doc = #doc]
            #[allow(unused_imports, clippy::all)]
            pub mod #name {
                use super::{types, wire};
                include!(concat!(env!("OUT_DIR"), #file));
            }
        }
    });
    let mut resources = TokenStream::new();
    let mut twins = TokenStream::new();
    let mut operations = TokenStream::new();
    for (group, members) in groups {
        let module = ident(&group.join("_"));
        let name = ident(&type_name(group));
        resources.extend(quote! { pub use super::#module::#name; });
        twins.extend(quote! { pub use super::super::#module::blocking::#name; });
        for operation in members {
            let name = ident(&operation.type_name());
            operations.extend(quote! { pub use super::#module::#name; });
        }
    }
    let title = format!(" Resource clients of the {}.", api.title);
    quote! {
        #(#modules)*
        #[allow(dead_code, unused_imports, unused_variables, missing_docs, private_interfaces, clippy::all)]
        pub(crate) mod wire {
            include!(concat!(env!("OUT_DIR"), "/wire.rs"));
        }
        #[doc = #title]
        pub mod resources {
            #resources
            /// Their blocking twins.
            #[cfg(feature = "blocking")]
            pub mod blocking { #twins }
        }
        /// One type per operation: what a [`Call`](crate::Call) is about.
        pub mod operations { #operations }
        include!(concat!(env!("OUT_DIR"), "/clients.rs"));
    }
}

/// The accessors on the clients, and the environments.
fn clients(api: &Api, groups: &BTreeMap<Vec<String>, Vec<&Operation>>) -> TokenStream {
    let roots: Vec<&Vec<String>> = groups.keys().filter(|group| group.len() == 1).collect();
    let accessors = |place: TokenStream| -> TokenStream {
        roots
            .iter()
            .map(|group| {
                let method = ident(&group.join("_"));
                let ty = ident(&type_name(group));
                let doc = docs::attributes(&tag(api, group), &group.join("."));
                quote! {
                    #doc
                    pub fn #method(&self) -> resources::#place #ty {
                        resources::#place #ty { client: self.clone() }
                    }
                }
            })
            .collect()
    };
    let asynchronous = accessors(quote! {});
    let blocking = accessors(quote! { blocking:: });
    let names: Vec<syn::Ident> = api.servers.iter().map(|server| ident(&server.name)).collect();
    let urls: Vec<&str> = api.servers.iter().map(|server| server.url.as_str()).collect();
    let described: Vec<String> = api
        .servers
        .iter()
        .map(|server| format!(" {} <{}>", docs::first_sentence(&server.description, ""), server.url))
        .collect();
    let marks: Vec<TokenStream> = (0..names.len())
        .map(|at| {
            if at == 0 {
                quote! { #[default] }
            } else {
                quote! {}
            }
        })
        .collect();
    quote! {
        impl crate::AsyncPaid { #asynchronous }

        #[cfg(feature = "blocking")]
        impl crate::Paid { #blocking }

        /// The servers of the API. Python: `PaidEnvironment`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Environment {
            #(#[doc = #described] #marks #names,)*
        }

        impl Environment {
            /// The base URL of the server.
            pub const fn base_url(self) -> &'static str {
                match self { #(Self::#names => #urls,)* }
            }
        }
    }
}

/// The docs of a resource: its tag's description.
fn tag(api: &Api, group: &[String]) -> String {
    let place = group.join(".");
    match api.tags.get(&place).map(String::as_str) {
        None | Some("") => format!("The operations of `{place}`."),
        Some(text) => text.to_string(),
    }
}
