use super::*;
use indicatif::TermLike;
use std::io;
use std::sync::{Arc, Mutex};

/// A terminal that keeps what is written to it.
#[derive(Clone, Debug, Default)]
struct Paper(Arc<Mutex<String>>);

impl TermLike for Paper {
    fn width(&self) -> u16 {
        80
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_bar_fills_and_counts_policies() {
    let paper = Paper::default();
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), 100);
    let progress = Progress::drawn_to(target, Some(4), "policies");
    progress.advance(2);
    progress.0.tick();
    let drawn = paper.0.lock().unwrap().clone();
    assert!(drawn.contains("[###############...............] 2 of 4 policies"), "{drawn}");
    assert_eq!(progress.above(|| 7), 7);
    progress.clear();
}

#[test]
fn the_styles_are_ones_that_the_library_understands() {
    for all in [Some(3), None] {
        assert!(ProgressStyle::with_template(&template(all.is_some(), "domains")).is_ok(), "{all:?}");
        let progress = Progress::of(all, "domains", false);
        progress.advance(1);
        assert_eq!(progress.0.position(), 1);
        progress.clear();
    }
}
