#!/usr/bin/env python3
"""osrctl attach PID sites, records, disassemble, ir and perf-map: what a running function is made of."""
import os
import pathlib
import stat
import unittest

from attach_case import AttachCase


class Code(AttachCase):
    def start_lines(self, *options):
        self.bitcode = self.compile("attach_lines.c", "-g")
        process = self.start(self.bitcode, "--tier", "baseline", *options)
        self.tell(process, "something")
        return process

    def text(self, *command):
        ended = self.osrctl(*command)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def test_sites_are_those_of_the_verb(self):
        process = self.start_lines()
        self.assertEqual(self.attach(process, "sites", "answer_lines").stdout,
                         self.text("sites", "--function", "answer_lines", self.bitcode))
        sites = self.asked(process, "sites", "answer_lines")["sites"]
        self.assertEqual([site["calls"] for site in sites][:2], ["next_line", "checksum"])
        source = pathlib.Path(__file__).with_name("attach_lines.c").read_text().splitlines()
        for site in sites[:2]:
            self.assertIn(site["calls"] + "(", source[site["line"] - 1])
        self.assertEqual({value["type"] for value in sites[0]["values"]}, {"i32"})

    def test_records_and_machine_code_are_those_of_the_verb(self):
        process = self.start_lines()
        for command, options in (("records", ("--records",)), ("disassemble", ())):
            version, = self.asked(process, command, "answer_lines")["versions"]
            self.assertEqual(version["text"],
                             self.text("maps", "--function", "answer_lines", "--tier", "baseline", *options, self.bitcode))
            one = self.asked(process, command, "answer_lines", "--version", str(version["id"]))
            self.assertEqual(one["versions"], [version])
        self.asked(process, "replace", "answer_lines", "--to", "optimized", "--frames", "finish")
        self.assertEqual({version["tier"] for version in self.asked(process, "records", "answer_lines")["versions"]},
                         {"baseline", "optimized"})
        wrong = self.attach(process, "records", "answer_lines", "--version", "123456")
        self.assertIn("no version 123456;", wrong.stderr)
        self.assertIn("no function 'answer'", self.attach(process, "disassemble", "answer").stderr)

    def test_ir_of_each_stage(self):
        process = self.start_lines()
        canonical = self.attach(process, "ir", "checksum").stdout
        self.assertIn("define i32 @checksum(", canonical)
        self.assertNotIn("target triple", canonical)
        for stage in ("baseline", "optimized"):
            self.assertRegex(self.attach(process, "ir", "answer_lines", "--stage", stage).stdout, rf"@\"?answer_lines\$?{stage}")
        self.assertIn("canonical|baseline|optimized", self.attach(process, "ir", "checksum", "--stage", "machine").stderr)
        self.tell(process, "it goes on")


class PerfMap(AttachCase):
    def start_mapped(self, *options):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline", *options)
        self.tell(process, "something")
        self.map = pathlib.Path(f"/tmp/perf-{process.pid}.map")
        self.addCleanup(self.map.unlink, missing_ok=True)
        return process

    def test_each_version_is_named(self):
        process = self.start_mapped()
        self.map.write_text("of a process that had the number before\n")
        for tier in ("baseline", "optimized"):
            self.asked(process, "replace", "checksum", "--to", tier)
            self.tell(process, "again")
            self.asked(process, "perf-map")
            lines = dict(reversed(line.split(" ", 2)[::2]) for line in self.map.read_text().splitlines())
            entered, = [version for version in self.asked(process, "function", "checksum")["versions"] if version["calls_enter"]]
            self.assertEqual(int(lines[f"checksum [{tier}]"], 16), entered["address"])
        self.assertEqual(stat.S_IMODE(os.stat(self.map).st_mode), 0o600)

    def test_nobody_elses_link_is_followed(self):
        process = self.start_mapped()
        target = pathlib.Path(self.file("target", "mine\n"))
        self.map.symlink_to(target)
        refused = self.attach(process, "perf-map")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"cannot make '{self.map}'", refused.stderr)
        self.assertEqual((target.read_text(), self.map.is_symlink()), ("mine\n", True))
        self.tell(process, "it goes on")

    def test_who_may_only_look_writes_nothing(self):
        process = self.start_mapped("--control-read-only")
        self.assertIn("only to be looked at", self.attach(process, "perf-map").stderr)
        self.assertFalse(self.map.exists())


if __name__ == "__main__":
    unittest.main()
