"""Arguments, variables, standard input, files, clocks, random numbers: what a program sees through WASI."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from orchestrator.toolchains.ruchy.runtime import runtime_objects_for
from orchestrator.wasm.execute import Running, RunOutcome
from tests.helpers.programs import compile_text, errors_of


def outcome(
    source: str,
    args: Sequence[str] = (),
    stdin: bytes = b"",
    variables: Mapping[str, str] | None = None,
    folders: Sequence[str] = (),
) -> RunOutcome:
    running = Running(
        compile_text(source),
        args,
        stdin=stdin,
        capture=True,
        variables=variables,
        folders=folders,
        memory_limit=1 << 24,
    )
    running.start()
    return running.wait()


def printed(source: str, **how) -> list[str]:
    ended = outcome(source, **how)
    assert (ended.exit_code, ended.stderr) == (0, b""), ended
    return (ended.stdout or b"").decode().splitlines()


def test_arguments_with_the_program_first():
    source = """
    use std::env;
    fun main() {
        let given: Vec<String> = env::args().collect();
        println(given.len());
        for one in env::args().skip(1) { println(one) }
        println(std::env::args()[1]);
    }"""
    assert printed(source, args=["a", "b c", "ä"]) == ["4", "a", "b c", "ä", "a"]


def test_variables_and_one_that_is_not_set():
    source = """
    fun main() {
        println(env::var("HOME").unwrap());
        println(env::var("EMPTY").unwrap().len());
        match env::var("HOM") { Ok(v) => println(v), Err(e) => println(e) }
        println(env::vars());
    }"""
    shown = '[("HOME", "/a=b"), ("EMPTY", "")]'
    answer = ["/a=b", "0", "the variable HOM is not set", shown]
    assert printed(source, variables={"HOME": "/a=b", "EMPTY": ""}) == answer


@pytest.mark.parametrize(
    ("stdin", "lines"),
    [
        (b"", ["<>", "0", "[]"]),
        (b"one", ["<one>", "0", "[]"]),
        (b"one\n", ["<one>", "0", "[]"]),
        (b"one\r\ntwo\nthree", ["<one>", "4two", '[Ok("three")]']),
        ("ä\n\n\nö\n".encode(), ["<ä>", "1", '[Ok(""), Ok("ö")]']),
    ],
    ids=str,
)
def test_standard_input_by_line_then_whole(stdin: bytes, lines: list[str]):
    """`input` takes the end of the line off, `read_line` keeps it and counts bytes."""
    source = """
    use std::io::{self, BufRead};
    fun main() {
        println("<" + input() + ">");
        let mut text = String::new();
        print(io::stdin().read_line(&mut text).unwrap());
        println(text.trim());
        let rest = io::stdin().lock().lines();
        println(rest);
    }"""
    got = printed(source, stdin=stdin)
    assert got == list(lines)


def test_a_long_input_goes_through_the_buffer_unchanged():
    """Lines longer than the buffer, and characters that lie on its edge."""
    lines = ["ä" * 3000, "x" * 4095, "", "y" * 4096, "ö" * 10_000]
    source = """
    fun main() {
        let mut count = 0;
        let mut line = io::read_line().unwrap();
        while line.len() > 0 {
            count += 1;
            println(count, line.chars().len() - 1);
            line = io::read_line().unwrap();
        }
    }"""
    wanted = [f"{number} {len(line)}" for number, line in enumerate(lines, 1)]
    assert printed(source, stdin=("\n".join(lines) + "\n").encode()) == wanted


@pytest.mark.parametrize(
    "rotten",
    [b"\xff", b"\xc3", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82", b"\x80"],
)
def test_input_that_is_no_text_is_an_error(rotten: bytes):
    """Every String is valid UTF-8: nothing else comes in."""
    source = 'fun main() { match io::read_all() { Ok(t) => println("text"), Err(e) => println(e) } }'
    assert printed(source, stdin=rotten) == ["standard input: is not valid UTF-8"]
    ended = outcome("fun main() { println(input()) }", stdin=rotten + b"\n")
    assert b"standard input: is not valid UTF-8" in (ended.stderr or b"")


@pytest.mark.parametrize("text", ["ä", "€", "\U0001f600", "\ud7ff", "\ue000", "\U0010ffff", "a\u0080b"])
def test_all_of_utf_8_comes_in(text: str):
    assert printed("fun main() { print(io::read_all().unwrap()) }", stdin=text.encode()) == text.splitlines()


def test_the_end_with_a_status_stops_everything():
    source = """
    use std::process;
    fun check(n: i64) -> i64 { if n > 1 { process::exit(n) } n }
    fun main() { println(check(1)); println(check(3)); println("never") }"""
    ended = outcome(source)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (3, b"1\n", b"")
    assert outcome("fun main() { exit(0 - 1) }").exit_code == 255
    assert outcome("fun main() { exit() }").exit_code == 0


FILES = """
fun shown(r: Result<String, String>) -> String { match r { Ok(t) => f"<{t}>", Err(e) => e } }
fun done(r: Result<(), String>) -> String { match r { Ok(_) => "done", Err(e) => e } }
fun main() {
    println(shown(fs::read_to_string("in/a.txt")));
    println(done(fs::write("in/a.txt", "one two three")));
    println(done(fs::write("in/a.txt", "one")));
    println(done(fs::append("./in/../in//a.txt", ", two")));
    println(shown(fs::read_to_string("in/a.txt")));
    println(fs::exists("in/a.txt"), fs::exists("in/b"), fs::is_dir("in"), fs::is_dir("in/a.txt"));
    println(done(fs::create_dir("in/sub")));
    println(done(fs::create_dir("in/sub")));
    println(fs::read_dir("in").unwrap());
    println(shown(fs::read_to_string("in")));
    println(done(fs::remove_file("in/a.txt")));
    println(done(fs::remove_file("in/a.txt")));
    println(done(fs::write("out/a.txt", "x")));
    println(done(fs::write("in/../out/a.txt", "x")));
    println(shown(fs::read_to_string("/etc/passwd")));
}
"""


def test_files_within_the_open_folders(tmp_path: Path):
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    closed = "no folder is open for it: name one under `folders` in [run]"
    here = os.fspath(tmp_path)
    lines = printed(FILES, variables={"PWD": here}, folders=[os.path.join(here, "in")])
    assert lines == [
        "in/a.txt: no such file or folder",
        "done",
        "done",
        "done",
        "<one, two>",
        "true false true false",
        "done",
        "in/sub: exists already",
        '["a.txt", "sub"]',
        "in: is a folder",
        "done",
        "in/a.txt: no such file or folder",
        f"out/a.txt: {closed}",
        f"in/../out/a.txt: {closed}",
        f"/etc/passwd: {closed}",
    ]
    assert list((tmp_path / "out").iterdir()) == []
    assert [one.name for one in (tmp_path / "in").iterdir()] == ["sub"]


def test_a_link_does_not_lead_out_of_an_open_folder(tmp_path: Path):
    inside, outside = tmp_path / "in", tmp_path / "secret.txt"
    inside.mkdir()
    outside.write_text("secret")
    (inside / "link").symlink_to(outside)
    source = 'fun main() { println(fs::read_to_string("link").is_ok()) }'
    assert printed(source, variables={"PWD": os.fspath(inside)}, folders=[os.fspath(inside)]) == ["false"]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_a_folder_with_many_files_is_listed_whole(tmp_path: Path, count: int):
    """More than one call of the host: names of 100 characters fill its buffer."""
    names = sorted(f"{number:03}" + "n" * 100 for number in range(count))
    for name in names:
        (tmp_path / name).touch()
    source = 'fun main() { let names = fs::read_dir(".").unwrap(); println(names.len()); println(names.join(" ")) }'
    lines = printed(source, variables={"PWD": os.fspath(tmp_path)}, folders=[os.fspath(tmp_path)])
    assert lines == [str(count), " ".join(names)]


@pytest.mark.parametrize(
    ("path", "clean"), [("/a/b", "a/b"), ("a//b/", "a/b"), ("./a/./b", "a/b"), ("a/x/../b", "a/b"), ("x/../../a", None)]
)
def test_paths_are_cleaned(tmp_path: Path, path: str, clean: str | None):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("here")
    here = os.fspath(tmp_path)
    asked = here + path if path.startswith("/") else path
    source = f'fun main() {{ println(fs::read_to_string("{asked}").unwrap_or("not there")) }}'
    assert printed(source, variables={"PWD": here}, folders=[here]) == ["here" if clean else "not there"]


def test_clocks_go_on():
    source = """
    fun main() {
        let first = time::monotonic();
        println(time::now() > 1700000000.0, time::monotonic() >= first);
    }"""
    assert printed(source) == ["true true"]


def test_random_numbers_repeat_after_a_seed_and_keep_their_bounds():
    """SplitMix64 of seed 0 begins 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4 (its published test vector)."""
    source = """
    fun main() {
        random::seed(0);
        println(random::float());
        random::seed(0);
        let mut seen = {};
        let mut n = 0;
        while n < 400 { let x = random::range(-2, 3); seen[f"{x}"] = true; n += 1 }
        println(seen.keys().sorted());
        println(random::range(5, 6), random::range(0, 9223372036854775807) >= 0);
        let mut m = 0;
        while m < 100 { let x = random::float(); assert(x >= 0.0 && x < 1.0); m += 1 }
    }"""
    first = (0xE220A8397B1DCDAF >> 11) / 2**53
    assert printed(source) == [repr(first), '["-1", "-2", "0", "1", "2"]', "5 true"]
    ended = outcome("fun main() { println(random::range(3, 3)) }")
    assert b"takes a start below its end" in (ended.stderr or b"")


def test_what_a_program_does_not_use_is_not_linked():
    """A program that only prints imports nothing but writing and ending."""
    hello = compile_text('fun main() { println("hi") }')
    for name in (b"args_get", b"fd_read", b"path_open", b"random_get", b"clock_time_get", b"environ_get"):
        assert name not in hello
    assert b"path_filestat_get" in compile_text('fun main() { println(fs::exists("a")) }')
    assert [name for name, _ in runtime_objects_for([b"rt::exit"])] == ["rt/quit"]


def test_a_module_of_the_program_goes_first():
    """`io`, `time` and their like are names that people give their modules."""
    source = """
    mod time { pub fun now() -> i64 { 7 } }
    fun exit(n: i64) -> i64 { n + 1 }
    fun main() { println(time::now(), exit(1)) }"""
    assert printed(source) == ["7 2"]


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("fun main() {\n fs::read_to_string(3);\n}", "E0204", 2),
        ("fun main() {\n fs::read_to_string();\n}", "E0301", 2),
        ("fun main() {\n let s = io::stdin();\n}", "E0107", 2),
        ("fun main() {\n io::stdin().bytes();\n}", "E0107", 2),
        ("fun main() {\n process::exit(true);\n}", "E0204", 2),
    ],
)
def test_wrong_calls_say_where(source: str, code: str, line: int):
    assert [(error.code, error.line) for error in errors_of(source)] == [(code, line)]


def test_memory_stays_bounded_in_a_loop_of_calls(tmp_path: Path):
    """What each call allocates is given back: 16 MiB would not hold 500 copies of a file of 60 kB."""
    (tmp_path / "a.txt").write_text("x" * 60_000)
    source = """
    fun main() {
        let mut n = 0;
        let mut total = 0;
        while n < 500 {
            total += fs::read_to_string("a.txt").unwrap().len() + env::args().len() + env::vars().len();
            fs::read_dir(".").unwrap();
            n += 1
        }
        println(total)
    }"""
    here = os.fspath(tmp_path)
    assert printed(source, variables={"PWD": here}, folders=[here]) == [str(500 * 60_002)]
