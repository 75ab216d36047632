//! The public surface as text, one item a line, so that a change of the spec shows as a diff.

use quote::quote;

/// Lists the public items of the files, sorted within each.
pub fn list(files: &[(String, syn::File)]) -> String {
    let mut text = String::new();
    for (name, file) in files {
        let mut lines = Vec::new();
        items(&file.items, name, &mut lines);
        lines.sort();
        lines.dedup();
        text.push_str(&lines.join("\n"));
        text.push('\n');
    }
    text
}

fn items(all: &[syn::Item], place: &str, lines: &mut Vec<String>) {
    for item in all {
        match item {
            syn::Item::Mod(module) if is_public(&module.vis) => {
                if let Some((_, inner)) = &module.content {
                    items(inner, &format!("{place}::{}", module.ident), lines);
                }
            }
            syn::Item::Struct(item) if is_public(&item.vis) => {
                lines.push(format!("{place}::{}", item.ident));
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    let Some(name) = &field.ident else { continue };
                    let ty = &field.ty;
                    lines.push(format!("{place}::{}.{name}: {}", item.ident, tidy(quote!(#ty))));
                }
            }
            syn::Item::Enum(item) if is_public(&item.vis) => {
                lines.push(format!("{place}::{}", item.ident));
                for variant in &item.variants {
                    let (name, fields) = (&variant.ident, &variant.fields);
                    lines.push(format!("{place}::{}::{name}{}", item.ident, tidy(quote!(#fields))));
                }
            }
            syn::Item::Impl(block) => implementation(block, place, lines),
            _ => {}
        }
    }
}

fn implementation(block: &syn::ItemImpl, place: &str, lines: &mut Vec<String>) {
    let ty = &block.self_ty;
    let ty = tidy(quote!(#ty));
    if let Some((path, _)) = &block.trait_ {
        let path = tidy(quote!(#path));
        // Serde and sealed traits are how a type is made, not what a caller sees.
        if path.contains("From") || path.contains("Paged") {
            lines.push(format!("{place}: impl {path} for {ty}"));
        }
        return;
    }
    for item in &block.items {
        match item {
            syn::ImplItem::Fn(function) if is_public(&function.vis) => {
                let signature = &function.sig;
                lines.push(format!("{place}::{ty}: {}", tidy(quote!(#signature))));
            }
            syn::ImplItem::Const(constant) if is_public(&constant.vis) => {
                let (name, kind) = (&constant.ident, &constant.ty);
                lines.push(format!("{place}::{ty}: const {name}: {}", tidy(quote!(#kind))));
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

/// Token text as a person would write it.
fn tidy(tokens: proc_macro2::TokenStream) -> String {
    let mut text = format!(" {tokens}").replace('(', "( ");
    for long in ["option", "string", "vec", "boxed", "convert", "iter", "collections"] {
        text = text.replace(&format!(" :: std :: {long} :: "), " ");
    }
    text = text.replace(" crate :: ", " ").replace(" :: serde_json", " serde_json");
    for (from, to) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" :", ":"),
        (" ;", ";"),
        ("' ", "'"),
        (" [", "["),
        (",)", ")"),
        (",>", ">"),
    ] {
        text = text.replace(from, to);
    }
    text.trim().replace("->(", "-> (")
}
