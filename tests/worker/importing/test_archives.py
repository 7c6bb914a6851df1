"""Zips and tars as programs make them, read file by file."""

import bz2
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from core.import_kinds import Kind
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from tests.worker.importing.archives import contents, put, tarred, zipped
from worker.importing.members import Archive, Member, MemberFault
from worker.importing.raw import SourceRejected
from worker.importing.sources.tar_archive import TarArchive
from worker.importing.sources.zip_archive import ZipArchive

FILES = {
    "cat/1.png": b"one",
    "cat/ä.png": b"two" * 100_000,
    f"dog/{'long' * 60}.png": b"",
    "x" * 90 + "/" + "y" * 90: b"three",
}
TARS = {"": None, "gz": Kind.GZIP, "bz2": Kind.BZIP2, "xz": Kind.XZ}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_its_files(tmp_path: Path, method: int) -> None:
    assert contents(ZipArchive(put(tmp_path, zipped(FILES, method)))) == (FILES, [])


@pytest.mark.parametrize("packing", TARS)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_tar_gives_its_files(tmp_path: Path, packing: str, form: int) -> None:
    archive = TarArchive(put(tmp_path, tarred(FILES, packing, form)), TARS[packing])
    assert contents(archive) == (FILES, [])
    assert contents(archive) == (FILES, [])  # and again from the start


def test_a_tar_whose_long_names_are_split_gives_its_files(tmp_path: Path) -> None:
    files = {"x" * 90 + "/" + "y" * 90: b"three"}
    assert contents(TarArchive(put(tmp_path, tarred(files, form=tarfile.USTAR_FORMAT)))) == (files, [])


def test_a_zip_of_more_than_65535_files_gives_them_all(tmp_path: Path) -> None:
    files = {str(number): b"" for number in range(70_000)}
    assert contents(ZipArchive(put(tmp_path, zipped(files, zipfile.ZIP_STORED)))) == (files, [])


def test_a_zip_written_to_a_pipe_or_behind_a_program_gives_its_files(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"a" * 999)
    for data in (pipe.getvalue(), b"#!/bin/sh\n" + pipe.getvalue()):
        assert contents(ZipArchive(put(tmp_path, data))) == ({"a": b"a" * 999}, [])


def test_a_gzip_of_several_streams_and_zeros_behind_is_one_tar(tmp_path: Path) -> None:
    data = tarred(FILES)
    half = len(data) // 2
    packed = gzip.compress(data[:half]) + gzip.compress(data[half:]) + bytes(1000)
    assert contents(TarArchive(put(tmp_path, packed), Kind.GZIP)) == (FILES, [])


def archives(folder: Path) -> list[Archive]:
    zip_file, tar_file = folder / "zip", folder / "tar"
    zip_file.write_bytes(zipped(FILES))
    tar_file.write_bytes(tarred(FILES, "gz"))
    return [ZipArchive(zip_file), TarArchive(tar_file, Kind.GZIP)]


def test_a_head_is_read_again_with_the_rest_and_may_be_all_that_is_read(tmp_path: Path) -> None:
    for archive in archives(tmp_path):
        members = [member for member in archive.members() if isinstance(member, Member) and member.head(4) is not None]
        assert [member.name for member in members] == list(FILES)
        for member in archive.members():
            assert isinstance(member, Member)
            assert member.head(4) == FILES[member.name][:4]
            assert member.read(2**20) == FILES[member.name]
            assert member.size == len(FILES[member.name])


def test_a_member_of_more_bytes_than_asked_for_is_too_large(tmp_path: Path) -> None:
    for archive in archives(tmp_path):
        for member in archive.members():
            if isinstance(member, Member) and member.name == "cat/ä.png":
                with pytest.raises(MemberFault, match="allowed: 299,999") as fault:
                    member.read(299_999)
                assert fault.value.code == ProblemCode.TOO_LARGE


@pytest.mark.parametrize("packing", TARS)
@pytest.mark.parametrize("keep", [300, 0.2, 0.6, 0.99])
def test_a_tar_that_is_cut_off_is_refused_as_a_whole(tmp_path: Path, packing: str, keep: float) -> None:
    data = tarred({"cat/1.png": bytes(range(256)) * 400, "cat/2.png": bytes(range(256)) * 400}, packing)
    end = keep if isinstance(keep, int) else int(len(data.rstrip(b"\0")) * keep)
    with pytest.raises(SourceRejected, match="upload the whole file"):
        contents(TarArchive(put(tmp_path, data[:end]), TARS[packing]))


def test_a_zip_that_is_cut_off_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(SourceRejected, match="directory is missing; upload the whole file"):
        contents(ZipArchive(put(tmp_path, zipped(FILES)[:-300])))


def test_a_file_of_a_zip_that_was_changed_is_left_out(tmp_path: Path) -> None:
    data = zipped({"a": b"first file", "b": b"second"}, zipfile.ZIP_STORED)
    archive = ZipArchive(put(tmp_path, data.replace(b"first", b"fist!")))
    good, bad = {}, {}
    for member in archive.members():
        assert isinstance(member, Member)
        try:
            good[member.name] = member.read(99)
        except MemberFault as fault:
            bad[member.name] = fault.code
    assert good == {"b": b"second"}
    assert bad == {"a": ProblemCode.TRUNCATED}


def test_names_in_other_encodings_are_guessed_and_said(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, encoding="gb2312") as archive:
        archive.addfile(tarfile.TarInfo("小狗/中文.png"))
    files, problems = contents(TarArchive(put(tmp_path, file.getvalue())))
    assert list(files) == ["小狗/中文.png"]
    assert [(problem.file, problem.code, problem.action) for problem in problems] == [
        ("小狗/中文.png", ProblemCode.RENAMED, "repaired")
    ]
    data = zipped({"Grxn/1.png": b""}).replace(b"Grxn", "Grün".encode("cp437"))
    files, problems = contents(ZipArchive(put(tmp_path, data)))
    assert list(files) == ["Grün/1.png"]
    assert [problem.code for problem in problems] == [ProblemCode.RENAMED]


def test_a_name_that_may_be_utf_8_is_not_where_others_cannot_be(tmp_path: Path) -> None:
    data = zipped({"aa/bb.png": b"", "aa/cccc.png": b""})
    data = data.replace(b"aa", "猫".encode("gb2312")).replace(b"cccc", "中文".encode("gb2312"))
    files, _ = contents(ZipArchive(put(tmp_path, data)))
    assert list(files) == ["猫/bb.png", "猫/中文.png"]


def test_a_name_in_utf_8_without_a_flag_and_one_that_is_decomposed_need_no_repair(tmp_path: Path) -> None:
    data = zipped({"Grxxxn/1.png": b""}).replace(b"Grxxxn", "Gru\u0308n".encode())
    assert contents(ZipArchive(put(tmp_path, data))) == ({"Grün/1.png": b""}, [])


def test_a_comment_behind_a_zip_may_hold_anything(tmp_path: Path) -> None:
    whole = zipped(FILES)
    comment = b"see PK\x05\x06" + bytes(30)
    data = whole[:-2] + len(comment).to_bytes(2, "little") + comment
    assert contents(ZipArchive(put(tmp_path, data))) == (FILES, [])
    assert contents(ZipArchive(put(tmp_path, whole + b"\n"))) == (FILES, [])


@pytest.mark.parametrize(
    "name",
    ["__MACOSX/cat/._1.png", "cat/._1.png", ".DS_Store", "cat/Thumbs.db", ".ipynb_checkpoints/1.png", "cat/.git/x"],
)
def test_what_systems_leave_behind_is_junk(tmp_path: Path, name: str) -> None:
    files, problems = contents(ZipArchive(put(tmp_path, zipped({name: b"x", "cat/1.png": b"y"}))))
    assert files == {"cat/1.png": b"y"}
    assert [(problem.file, problem.code) for problem in problems] == [(name, ProblemCode.JUNK)]


def test_the_icon_of_a_folder_is_junk_and_a_file_of_that_name_is_not(tmp_path: Path) -> None:
    files, (problem,) = contents(ZipArchive(put(tmp_path, zipped({"a/Icon\r": b"x", "a/Icon": b"y"}))))
    assert files == {"a/Icon": b"y"}
    assert problem.code == ProblemCode.JUNK


def test_backslashes_of_an_old_windows_program_are_slashes(tmp_path: Path) -> None:
    data = zipped({"cat|1.png": b"x"})
    data = data.replace(b"cat|1", b"cat\\1").replace(b"PK\x01\x02\x14\x03", b"PK\x01\x02\x14\x00")
    assert contents(ZipArchive(put(tmp_path, data))) == ({"cat/1.png": b"x"}, [])


def test_other_packings_are_named(tmp_path: Path) -> None:
    _, (problem,) = contents(ZipArchive(put(tmp_path, zipped({"a": b"x"}, zipfile.ZIP_BZIP2))))
    assert problem == FileProblem(
        file="a", code="unsupported-format", detail="it is packed by bzip2; allowed: stored, deflate", action="dropped"
    )
    with pytest.raises(SourceRejected, match="cannot be unpacked"):
        contents(TarArchive(put(tmp_path, bz2.compress(tarred(FILES))[:-9] + b"123456789"), Kind.BZIP2))
