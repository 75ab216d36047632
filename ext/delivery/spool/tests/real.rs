//! On the real disk.

use std::collections::BTreeSet;
use std::fs;

use super::*;

fn tree(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            found.extend(tree(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

fn spans_files(dir: &Path) -> Vec<PathBuf> {
    tree(dir).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "spans")).collect()
}

#[test]
fn what_is_appended_is_read_once_and_settled() {
    let temp = Temp::new();
    let spool = Spool::open(settings(&temp.0), "key").unwrap();
    assert!(spool.next(10, 1000).is_none());
    spool.append(0, &records(0..100)).unwrap();
    assert_eq!(spool.unread(), 100);
    let Some(Next::Batch(first)) = spool.next(33, 1 << 20) else { panic!() };
    assert_eq!((numbers(&first.records), first.seq, first.spans), ((0..33).collect(), Some(0), 33));
    spool.append(100, &records(100..120)).unwrap();
    assert_eq!(spool.unread(), 87);
    let Some(Next::Batch(one)) = spool.next(512, 1) else { panic!() };
    assert_eq!(numbers(&one.records), [33], "one, however big");
    let (rest, lost) = drain(&spool);
    assert_eq!((all_numbers(&rest), lost.len()), ((34..120).collect(), 0));
    assert_eq!(spool.unread(), 0);
    spool.sync().unwrap();
    for stored in [&first, &one].into_iter().chain(&rest) {
        let half = stored.spans / 2;
        spool.settle(&stored.place.part(0, half));
        spool.settle(&stored.place.part(half, stored.spans - half));
    }
    spool.persist().unwrap();
    spool.close();
    assert!(matches!(spool.append(120, &records(120..121)), Err(AppendError::Io(_))));
    assert_eq!(tree(&temp.0), Vec::<PathBuf>::new(), "nothing is left");
}

#[test]
fn the_next_process_with_the_key_takes_over() {
    let temp = Temp::new();
    let spool = Spool::open(settings(&temp.0), "key").unwrap();
    spool.append(7, &records(0..50)).unwrap();
    let Some(Next::Batch(stored)) = spool.next(20, 1 << 20) else { panic!() };
    spool.settle(&stored.place.part(5, 10));
    spool.persist().unwrap();

    let other = Spool::open(settings(&temp.0), "other").unwrap();
    let same = Spool::open(settings(&temp.0), "key").unwrap();
    for second in [&other, &same] {
        assert!(second.tidy().is_empty());
        assert_eq!((second.unread(), drain(second).0.len()), (0, 0), "its owner lives");
    }
    drop(spool);
    assert!(other.tidy().is_empty() && drain(&other).0.is_empty(), "not its own");
    assert!(same.tidy().is_empty());
    assert_eq!(same.unread(), 1);
    let (stored, lost) = drain(&same);
    assert_eq!(all_numbers(&stored), (0..5).chain(15..50).collect::<Vec<_>>());
    assert!(lost.is_empty() && stored.iter().all(|stored| stored.seq.is_none()));
    assert_eq!(same.unread(), 0);
    stored.iter().for_each(|stored| same.settle(&stored.place));
    same.persist().unwrap();
    drop((same, other));
    assert_eq!(tree(&temp.0), Vec::<PathBuf>::new());
}

#[test]
fn a_new_key_takes_everything_along() {
    let temp = Temp::new();
    let old = Spool::open(settings(&temp.0), "old").unwrap();
    old.append(0, &records(0..10)).unwrap();
    drop(old);
    let spool = Spool::open(settings(&temp.0), "old").unwrap();
    spool.append(0, &records(10..20)).unwrap();
    let note = DeadLetterNote { status: 400, reason: "no".into(), refused: 0 };
    spool.dead_letter(&records(90..95), &note).unwrap();
    spool.tidy();
    spool.rekey("new").unwrap();
    spool.append(10, &records(20..30)).unwrap();
    spool.sync().unwrap();
    drop(spool);
    let old = Spool::open(settings(&temp.0), "old").unwrap();
    old.tidy();
    assert!(drain(&old).0.is_empty());
    let new = Spool::open(settings(&temp.0), "new").unwrap();
    let id = dead_letters::list(&temp.0).unwrap().remove(0).id;
    dead_letters::resend(&temp.0, &id).unwrap();
    new.tidy();
    let mut all = all_numbers(&drain(&new).0);
    all.sort();
    assert_eq!(all, (0..30).chain(90..95).collect::<Vec<_>>());
}

#[test]
fn dead_letters_are_seen_sent_again_and_removed() {
    let temp = Temp::new();
    assert!(dead_letters::list(&temp.0).unwrap().is_empty());
    let spool = Spool::open(settings(&temp.0), "key").unwrap();
    let note = |reason: &str| DeadLetterNote { status: 413, reason: reason.into(), refused: 3 };
    for (at, reason) in ["a", "b", "c"].into_iter().enumerate() {
        let at = at as u64 * 40;
        let path = spool.dead_letter(&records(at..at + 40), &note(reason)).unwrap();
        assert!(path.is_file());
    }
    let groups = dead_letters::list(&temp.0).unwrap();
    let reasons: Vec<_> = groups.iter().map(|group| group.note.clone().unwrap()).collect();
    assert_eq!(reasons, [note("a"), note("b"), note("c")]);
    assert!(groups.iter().all(|group| group.spans == 40 && group.recorded_at.elapsed().unwrap() < DAY));
    assert_eq!(numbers(&groups[1].records().unwrap()), (40..80).collect::<Vec<_>>());

    dead_letters::remove(&temp.0, &groups[0].id).unwrap();
    dead_letters::resend(&temp.0, &groups[2].id).unwrap();
    for gone in [&groups[0].id, &groups[2].id, "nothing"] {
        assert_eq!(dead_letters::resend(&temp.0, gone).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
    assert!(spool.tidy().is_empty());
    let (stored, _) = drain(&spool);
    assert_eq!(all_numbers(&stored), (80..120).collect::<Vec<_>>());
    stored.iter().for_each(|stored| spool.settle(&stored.place));
    drop(spool);
    dead_letters::remove(&temp.0, &groups[1].id).unwrap();
    assert!(dead_letters::list(&temp.0).unwrap().is_empty());
    assert!(spans_files(&temp.0).is_empty(), "{:?}", tree(&temp.0));
}

#[cfg(unix)]
#[test]
fn everything_is_for_this_user_alone_and_no_form_of_the_key_is_in_it() {
    use std::os::unix::fs::PermissionsExt;
    let temp = Temp::new();
    let dir = temp.0.join("made/for it");
    let key = "paid_secret_0123456789abcdefghij";
    let spool = Spool::open(settings(&dir), key).unwrap();
    spool.append(0, &records(0..100)).unwrap();
    let (stored, _) = drain(&spool);
    spool.settle(&stored[0].place.part(0, 50));
    spool.persist().unwrap();
    let note = DeadLetterNote { status: 400, reason: "no".into(), refused: 0 };
    spool.dead_letter(&records(0..1), &note).unwrap();
    spool.sync().unwrap();
    let paths = tree(&temp.0);
    assert!(paths.len() >= 10, "{paths:?}");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(key);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let forms =
        [key.to_owned(), hex(key.as_bytes()), hex(&digest[..8]), "cGFpZF9zZWNyZXRfMDEyMzQ1Njc4".into()];
    for path in paths {
        let metadata = fs::metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        let mut bytes = path.to_str().unwrap().as_bytes().to_vec();
        if metadata.is_file() {
            bytes.extend(fs::read(&path).unwrap());
        }
        let forms = forms.iter().map(String::as_bytes).chain([&digest[..8]]);
        for form in forms {
            assert!(!bytes.windows(form.len()).any(|window| window == form), "{}", path.display());
        }
    }
}

#[cfg(unix)]
#[test]
fn whatever_the_umask() {
    let name = "everything_is_for_this_user_alone_and_no_form_of_the_key_is_in_it";
    for mask in ["000", "022", "077", "277", "777"] {
        let program = std::env::current_exe().unwrap();
        let script = format!("umask {mask}; exec \"$0\" {name}");
        let output = std::process::Command::new("sh").arg("-c").arg(script).arg(program).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{mask}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn alien_things_are_left_alone() {
    use std::os::unix::fs::symlink;
    let temp = Temp::new();
    let (dir, outside) = (temp.0.join("spool"), temp.0.join("outside"));
    fs::create_dir_all(outside.join("folder")).unwrap();
    fs::write(outside.join("file"), b"mine").unwrap();

    // What a process of the same account left, and what would look like it.
    let spool = Spool::open(settings(&dir), "key").unwrap();
    spool.append(0, &records(0..10)).unwrap();
    let own = spool.home_path().unwrap();
    drop(spool);
    let name = own.file_name().unwrap().to_str().unwrap().to_owned();
    symlink(&own, dir.join(format!("{name}-aa"))).unwrap();
    symlink(outside.join("folder"), dir.join(name.replace("paid-1-", ".paid-1-"))).unwrap();
    symlink(outside.join("file"), own.join("00000002-00000001.spans")).unwrap();
    symlink(outside.join("file"), own.join("00000001-00000001.done")).unwrap();
    fs::write(own.join("notes.txt"), b"mine").unwrap();
    fs::create_dir(own.join("00000003-00000001.spans")).unwrap();
    fs::write(own.join("00000004-00000001.spans"), b"").unwrap();
    fs::write(own.join("00000005-00000001.spans"), [0; 5000]).unwrap();
    for other in [name.replace("paid-1-", "paid-2-"), "readme.txt".into(), "paid-1-".into(), ".x".into()] {
        fs::write(dir.join(other), b"mine").unwrap();
    }
    fs::create_dir(dir.join("paid-3-x")).unwrap();
    let linked = dir.join(format!("{name}-bb"));
    fs::create_dir(&linked).unwrap();
    symlink(outside.join("file"), linked.join("lock")).unwrap();

    let aliens: BTreeSet<_> = tree(&temp.0).into_iter().collect();
    let spool = Spool::open(settings(&dir), "key").unwrap();
    let found = spool.tidy();
    assert!(matches!(&found[..], [Finding::Problem { path, .. }] if *path == linked), "{found:?}");
    let (stored, lost) = drain(&spool);
    assert_eq!((all_numbers(&stored), lost.len()), ((0..10).collect(), 0));
    stored.iter().for_each(|stored| spool.settle(&stored.place));
    spool.persist().unwrap();
    assert!(spool.tidy().is_empty(), "told once");
    drop(spool);
    let left: BTreeSet<_> = tree(&temp.0).into_iter().collect();
    let gone: Vec<_> = aliens.difference(&left).map(|path| path.strip_prefix(&own).unwrap()).collect();
    let spans = |path: &&Path| path.to_str().unwrap().ends_with(".spans");
    assert_eq!((gone.len(), gone.iter().copied().filter(spans).count()), (3, 3), "only segments: {gone:?}");
    assert_eq!(fs::read(outside.join("file")).unwrap(), b"mine");
}

#[test]
fn what_cannot_be_read_is_set_aside() {
    let temp = Temp::new();
    let spool = Spool::open(settings(&temp.0), "key").unwrap();
    spool.append(0, &records(0..10)).unwrap();
    let own = spool.home_path().unwrap();
    drop(spool);
    fs::write(own.join("00000002-00000001.spans"), [7; 5000]).unwrap();
    let spool = Spool::open(settings(&temp.0), "key").unwrap();
    spool.tidy();
    assert_eq!(all_numbers(&drain(&spool).0), (0..10).collect::<Vec<_>>());
    let found = spool.tidy();
    let [Finding::SetAside { path, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(fs::read(path).unwrap(), [7; 5000]);
    assert_eq!(path.parent().unwrap(), temp.0.join("quarantine"));
    assert!(spool.tidy().is_empty());
}

#[test]
fn a_directory_that_is_none_is_refused_with_advice() {
    let temp = Temp::new();
    let file = temp.0.join("file");
    fs::write(&file, b"mine").unwrap();
    for dir in [file.clone(), file.join("below"), PathBuf::from("/proc/nothing/here")] {
        let error = Spool::open(settings(&dir), "a-secret-key").err().unwrap().to_string();
        assert!(error.contains(dir.to_str().unwrap()) && error.contains("choose another"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn a_folder_that_was_removed_is_made_anew() {
    let temp = Temp::new();
    let spool = Spool::open(settings(&temp.0.join("spool")), "key").unwrap();
    spool.append(0, &records(0..10)).unwrap();
    fs::remove_dir_all(temp.0.join("spool")).unwrap();
    assert!(spool.tidy().is_empty() || !temp.0.join("spool").exists());
    spool.append(10, &records(10..20)).unwrap();
    assert_eq!(spans_files(&temp.0).len(), 1);
    let (stored, lost) = drain(&spool);
    assert_eq!((all_numbers(&stored), lost.len()), ((0..20).collect(), 0), "the first are still open");
    spool.sync().unwrap();
    assert_eq!(spool.unread(), 0);
}

#[test]
fn the_bound_is_kept_and_space_comes_back() {
    let temp = Temp::new();
    let spool = Spool::open(SpoolSettings { max_bytes: 1 << 20, ..settings(&temp.0) }, "key").unwrap();
    let size = || {
        tree(&temp.0)
            .iter()
            .map(|path| fs::metadata(path).unwrap())
            .filter(|it| it.is_file())
            .map(|it| it.len())
            .sum::<u64>()
    };
    let mut seq = 0;
    let full = loop {
        match spool.append(seq, &records(seq..seq + 200)) {
            Ok(()) => seq += 200,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::Full));
    assert!((1 << 20) - 20_000 < size() && size() <= 1 << 20, "{}", size());
    let note = DeadLetterNote { status: 400, reason: "no".into(), refused: 0 };
    assert!(spool.dead_letter(&records(0..1000), &note).is_err());
    for round in 0..3 {
        while let Some(Next::Batch(stored)) = spool.next(512, 1 << 20) {
            spool.settle(&stored.place);
            if stored.seq.unwrap() > seq / 2 && round == 0 {
                break;
            }
        }
        spool.persist().unwrap();
        spool.append(seq, &records(seq..seq + 200)).unwrap();
        seq += 200;
    }
    assert!(size() < 300_000, "{}", size());
}
