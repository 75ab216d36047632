//! Keys: asked for by every provider, never shown.

use serde_json::{Value, json};

use super::{Lab, lab};

async fn refused(lab: &Lab, url: &str) -> Value {
    let response = lab.http.post(url).json(&json!({})).send().await.expect("an answer");
    assert_eq!(response.status(), 401, "{url}");
    response.json().await.expect("JSON")
}

#[tokio::test]
async fn without_a_key_each_provider_refuses_in_its_own_words() {
    let lab = lab().await;
    let sandbox = &lab.sandbox;
    let openai = refused(&lab, &format!("{}/chat/completions", sandbox.openai_base())).await;
    assert_eq!(openai["error"]["code"], "invalid_api_key");
    let azure = format!("{}/openai/deployments/d/embeddings?api-version=1", sandbox.azure_base());
    assert_eq!(refused(&lab, &azure).await["error"]["code"], "401");
    let anthropic = refused(&lab, &format!("{}/v1/messages", sandbox.anthropic_base())).await;
    assert_eq!(anthropic["error"]["type"], "authentication_error");
    let gemini = refused(&lab, &format!("{}models/m:generateContent", sandbox.gemini_base())).await;
    assert_eq!(gemini["error"]["status"], "UNAUTHENTICATED");
    let mistral = refused(&lab, &format!("{}/ocr", sandbox.mistral_base())).await;
    assert_eq!(mistral, json!({"detail": "Unauthorized"}));
    let bedrock = refused(&lab, &format!("{}/model/m/converse", sandbox.bedrock_base())).await;
    assert!(bedrock["message"].is_string());
}

#[tokio::test]
async fn keys_are_taken_where_each_provider_takes_them_and_never_shown() {
    let lab = lab().await;
    let origin = lab.sandbox.origin();
    // At the root, too, these are the providers' paths.
    let gemini = format!("{origin}/v1beta/models/m:generateContent");
    for (url, header) in [
        (format!("{origin}/v1/messages"), Some("x-api-key")),
        (format!("{origin}/openai/deployments/d/chat/completions?api-version=1"), Some("api-key")),
        (gemini.clone(), Some("x-goog-api-key")),
        (format!("{gemini}?key=hush-hush&alt=sse"), None),
        (format!("{origin}/v1/chat/completions"), Some("authorization")),
    ] {
        let request = lab.http.post(&url).json(&json!({}));
        let request = match header {
            Some("authorization") => request.bearer_auth("hush-hush"),
            Some(header) => request.header(header, "hush-hush"),
            None => request,
        };
        assert_eq!(request.send().await.expect("an answer").status(), 400, "{url}");
    }
    let requests = lab.sandbox.requests();
    assert_eq!(requests.len(), 5);
    for request in requests {
        assert!(request.provider_key_is("hush-hush") && !request.provider_key_is("hush"));
        assert!(!format!("{request:?}").contains("hush"), "{request:?}");
        assert!(!request.target().contains("hush"));
    }
}
