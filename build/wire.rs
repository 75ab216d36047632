//! progenitor: one function per operation that builds the request and reads the answer.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};

use super::model::Api;
use super::prepare;

/// Runs progenitor on the prepared spec. What comes back has the names of the spec and the SDK's own types.
pub fn run(api: &Api) -> Result<syn::File, String> {
    let document = prepare::document(api);
    let mut file = progenitor(&document).map_err(|error| match culprit(&document) {
        Some(place) => format!("{place}: {error}"),
        None => error,
    })?;
    FieldTypes.visit_file_mut(&mut file);
    OwnNames(prepare::placeholders(api)).visit_file_mut(&mut file);
    Ok(file)
}

/// The operation that fails by itself.
fn culprit(document: &serde_json::Value) -> Option<String> {
    for (path, item) in document["paths"].as_object()? {
        for (http, entry) in item.as_object()? {
            let mut alone = document.clone();
            alone["paths"] = serde_json::json!({path: {http: entry}});
            if progenitor(&alone).is_err() {
                return Some(format!("{} {path}", http.to_uppercase()));
            }
        }
    }
    None
}

fn progenitor(document: &serde_json::Value) -> Result<syn::File, String> {
    let document = serde_json::from_value(document.clone())
        .map_err(|error| format!("the prepared spec does not read as OpenAPI: {error}"))?;
    let mut settings = progenitor_impl::GenerationSettings::new();
    settings
        .with_interface(progenitor_impl::InterfaceStyle::Positional)
        .with_tag(progenitor_impl::TagStyle::Merged)
        .with_hooks(progenitor_impl::HooksMode::Expected)
        .with_inner_type(quote! { crate::transport::CallState })
        .with_map_type("::std::collections::BTreeMap");
    // progenitor panics on what it doesn't know; a build error should name this place instead.
    let run =
        std::panic::catch_unwind(|| progenitor_impl::Generator::new(&settings).generate_tokens(&document));
    let tokens = match run {
        Ok(Ok(tokens)) => tokens,
        Ok(Err(error)) => return Err(format!("progenitor: {error}")),
        Err(_) => return Err("progenitor panicked on the prepared spec; its message is above".into()),
    };
    syn::parse2(tokens).map_err(|error| format!("progenitor's output does not parse: {error}"))
}

/// The client without its types: they come from `open_types`.
pub fn client(raw: &syn::File) -> Result<syn::File, String> {
    let mut items: Vec<syn::Item> = Vec::new();
    for item in &raw.items {
        match item {
            syn::Item::Mod(module) if module.ident == "types" || module.ident == "prelude" => {}
            // The constructor that builds its own reqwest client can panic; nothing calls it.
            syn::Item::Impl(block) if block.trait_.is_none() => {
                let mut block = block.clone();
                block.items.retain(|item| !matches!(item, syn::ImplItem::Fn(f) if f.sig.ident == "new"));
                items.push(syn::Item::Impl(block));
            }
            other => items.push(other.clone()),
        }
    }
    let mut file = syn::File { items, ..syn::parse_quote! {} };
    PathEncoding.visit_file_mut(&mut file);
    NoHeaders.visit_file_mut(&mut file);
    let imports: syn::Item = syn::parse_quote! { use super::types; };
    file.items.insert(0, imports);
    Ok(file)
}

/// The functions of progenitor's client, by operation id.
pub fn functions(raw: &syn::File) -> impl Iterator<Item = &syn::ImplItemFn> {
    raw.items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Impl(block) if block.trait_.is_none() => Some(&block.items),
            _ => None,
        })
        .flatten()
        .filter_map(|item| match item {
            syn::ImplItem::Fn(function) => Some(function),
            _ => None,
        })
}

/// progenitor leaves `\` and other reserved characters in path segments as they are.
struct PathEncoding;

impl VisitMut for PathEncoding {
    fn visit_macro_mut(&mut self, node: &mut syn::Macro) {
        if node.path.is_ident("format") {
            node.tokens = rename(node.tokens.clone(), "encode_path", "encode_segment");
        }
    }

    fn visit_item_use_mut(&mut self, node: &mut syn::ItemUse) {
        let text = quote!(#node).to_string();
        if text.contains("encode_path") {
            *node = syn::parse_quote! {
                #[allow(unused_imports)]
                use {crate::transport::encode_segment, progenitor_client::{ClientHooks, OperationInfo, RequestBuilderExt}};
            };
        }
    }
}

/// The spec's version, which progenitor sends as a header, is no business of the server's; its local
/// variable would hide a parameter of the same name. What is accepted, the transport says for all calls.
struct NoHeaders;

impl NoHeaders {
    const LOCAL: &str = "header_map";

    fn declares(statement: &syn::Stmt) -> bool {
        let syn::Stmt::Local(local) = statement else { return false };
        matches!(&local.pat, syn::Pat::Ident(pattern) if pattern.ident == Self::LOCAL)
    }

    fn accepts(call: &syn::ExprMethodCall) -> bool {
        let Some(syn::Expr::Path(name)) = call.args.first() else { return false };
        call.method == "header" && name.path.segments.last().is_some_and(|last| last.ident == "ACCEPT")
    }

    fn fills(statement: &syn::Stmt) -> bool {
        let syn::Stmt::Expr(syn::Expr::MethodCall(call), _) = statement else { return false };
        call.method == "append"
            && matches!(&*call.receiver, syn::Expr::Path(path) if path.path.is_ident(Self::LOCAL))
    }
}

impl VisitMut for NoHeaders {
    fn visit_block_mut(&mut self, node: &mut syn::Block) {
        node.stmts.retain(|statement| !Self::declares(statement) && !Self::fills(statement));
        visit_mut::visit_block_mut(self, node);
    }

    fn visit_expr_mut(&mut self, node: &mut syn::Expr) {
        visit_mut::visit_expr_mut(self, node);
        if let syn::Expr::MethodCall(call) = node
            && (call.method == "headers" || Self::accepts(call))
        {
            *node = (*call.receiver).clone();
        }
    }
}

fn rename(tokens: TokenStream, from: &str, to: &str) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            proc_macro2::TokenTree::Ident(ident) if ident == from => {
                proc_macro2::Ident::new(to, ident.span()).into()
            }
            proc_macro2::TokenTree::Group(group) => {
                proc_macro2::Group::new(group.delimiter(), rename(group.stream(), from, to)).into()
            }
            other => other,
        })
        .collect()
}

/// Gives the components their own names back.
struct OwnNames(std::collections::BTreeMap<String, String>);

impl VisitMut for OwnNames {
    fn visit_ident_mut(&mut self, node: &mut syn::Ident) {
        if let Some(name) = self.0.get(&node.to_string()) {
            *node = syn::Ident::new(name, node.span());
        }
    }
}

/// Replaces progenitor's types for numbers, times and free-form objects by the SDK's own.
struct FieldTypes;

impl VisitMut for FieldTypes {
    fn visit_type_mut(&mut self, node: &mut syn::Type) {
        if let syn::Type::Path(path) = node
            && let Some(last) = path.path.segments.last()
        {
            match last.ident.to_string().as_str() {
                // Components go by placeholders here, so these are progenitor's own.
                "f64" => *node = syn::parse_quote! { crate::Number },
                "Map" => *node = syn::parse_quote! { crate::JsonObject },
                "DateTime" => *node = syn::parse_quote! { crate::DateTime },
                _ => {}
            }
        }
        visit_mut::visit_type_mut(self, node);
    }
}
