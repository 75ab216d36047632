//! Every format, sent in every way.

use super::*;

#[tokio::test]
async fn every_format_is_measured_on_its_way_and_arrives_as_it_was() {
    let world = world().await;
    let plain = reqwest::Client::new();
    for (name, expected) in [
        ("pcm16.wav", 1.5),
        ("cbr.mp3", 1.227_755),
        ("vbr_xing.mp3", 1.750_204),
        ("vbr_vbri.mp3", 1.750_204),
        ("tags.mp3", 1.227_755),
        ("moov_first.m4a", 1.423_197),
        ("moov_last.m4a", 1.423_197),
        ("video.mp4", 1.423_197),
        ("fragmented.mp4", 1.423_197),
        ("tone.flac", 1.3),
        ("vorbis.ogg", 1.6),
        ("opus.ogg", 1.7),
        ("opus.webm", 1.708),
    ] {
        for way in 0..3 {
            let part = || async move {
                match way {
                    0 => part(name),
                    1 => Part::file(path(name)).await.unwrap(),
                    _ => Part::stream(streamed(sample(name), 1000)).file_name(name),
                }
            };
            let span = world.transcribe(form(part().await)).await;
            assert_measured(&span, expected);
            let hooked = seen(world.received().last().unwrap());
            plain.execute(world.request(form(part().await))).await.unwrap();
            let bare = seen(world.received().last().unwrap());
            assert_eq!(hooked.0, bare.0, "{name} {way}");
            assert!(hooked.1 == bare.1, "{name} {way}");
            let is_sized = hooked.0.iter().any(|(header, _)| header == "content-length");
            assert_eq!(is_sized, way < 2, "{name} {way}");
        }
    }
}
