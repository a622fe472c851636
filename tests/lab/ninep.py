# SPDX-License-Identifier: GPL-2.0
"""A read-only 9P2000.L server for one client: the messages that Linux sends."""

import errno
import os
import stat
import struct

VERSION = b"9P2000.L"
TAG_NONE = 0xffff
GETATTR_BASIC = 0x7ff
QTDIR, QTSYMLINK, QTFILE = 0x80, 0x02, 0x00

# What a writer would send. The client's file system is mounted read-only, so
# that none of them should come.
T_WRITERS = {14, 16, 18, 20, 26, 32, 70, 72, 74, 76, 118, 122}


class Fid:
    def __init__(self, path):
        self.path = path
        self.fd = -1
        self.entries = None

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def string(data, at):
    size, = struct.unpack_from("<H", data, at)
    return data[at + 2:at + 2 + size], at + 2 + size


def pack(text):
    return struct.pack("<H", len(text)) + text


class Server:
    def __init__(self, root, max_size):
        self.root = root
        self.max_size = max_size
        self.msize = max_size
        self.fids = {}
        self.devices = {}
        self.calls = {
            8: self.statfs, 12: self.lopen, 22: self.readlink, 24: self.getattr,
            40: self.readdir, 50: self.fsync, 100: self.version, 104: self.attach,
            108: self.flush, 110: self.walk, 116: self.read, 120: self.clunk,
        }

    def answer(self, message):
        """The reply to one message, both with the length in front."""
        kind, tag = struct.unpack_from("<BH", message, 4)
        try:
            if kind in T_WRITERS:
                raise OSError(errno.EROFS, "")
            if kind not in self.calls:
                raise OSError(errno.EOPNOTSUPP, "")
            body = self.calls[kind](message[7:])
            kind += 1
        except OSError as e:
            body = struct.pack("<I", e.errno or errno.EIO)
            kind = 7
        except KeyError:
            body = struct.pack("<I", errno.EBADF)
            kind = 7
        return struct.pack("<IBH", 7 + len(body), kind, tag) + body

    def qid(self, st):
        # Inodes are unique on one device, and qids have to be on all.
        dev = self.devices.setdefault(st.st_dev, len(self.devices))
        kind = QTDIR if stat.S_ISDIR(st.st_mode) else \
            QTSYMLINK if stat.S_ISLNK(st.st_mode) else QTFILE
        version = (st.st_mtime_ns ^ st.st_size << 8) & 0xffffffff
        return struct.pack("<BIQ", kind, version, (dev << 52 ^ st.st_ino) & (1 << 64) - 1)

    def version(self, data):
        size, = struct.unpack_from("<I", data)
        name, _ = string(data, 4)
        for fid in self.fids.values():
            fid.close()
        self.fids.clear()
        self.msize = min(size, self.max_size)
        return struct.pack("<I", self.msize) + pack(VERSION if name == VERSION else b"unknown")

    def attach(self, data):
        fid, = struct.unpack_from("<I", data)
        body = self.qid(os.lstat(self.root))
        self.fids[fid] = Fid(self.root)
        return body

    def flush(self, _data):
        # Calls are answered in order: whatever it names is done.
        return b""

    def walk(self, data):
        fid, newfid, count = struct.unpack_from("<IIH", data)
        path = self.fids[fid].path
        at = 10
        qids = []
        for i in range(count):
            name, at = string(data, at)
            path = os.path.dirname(path) if name == b".." else os.path.join(path, name)
            try:
                qids.append(self.qid(os.lstat(path)))
            except OSError:
                if i == 0:
                    raise
                return struct.pack("<H", len(qids)) + b"".join(qids)
        if newfid in self.fids:
            self.fids[newfid].close()
        self.fids[newfid] = Fid(path)
        return struct.pack("<H", count) + b"".join(qids)

    def clunk(self, data):
        self.fids.pop(struct.unpack_from("<I", data)[0]).close()
        return b""

    def lopen(self, data):
        number, flags = struct.unpack_from("<II", data)
        fid = self.fids[number]
        if flags & 3:
            raise OSError(errno.EROFS, "")
        st = os.lstat(fid.path)
        # Opening a FIFO or a device could block this server or act on the
        # machine; the client opens its own and not these.
        if not stat.S_ISDIR(st.st_mode) and not stat.S_ISREG(st.st_mode):
            raise OSError(errno.ENXIO, "")
        fid.close()
        fid.fd = os.open(fid.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        return self.qid(st) + struct.pack("<I", 0)

    def read(self, data):
        number, offset, count = struct.unpack_from("<IQI", data)
        found = os.pread(self.fids[number].fd, min(count, self.msize - 11), offset)
        return struct.pack("<I", len(found)) + found

    def readdir(self, data):
        number, offset, count = struct.unpack_from("<IQI", data)
        fid = self.fids[number]
        count = min(count, self.msize - 11)
        if offset == 0 or fid.entries is None:
            fid.entries = [b".", b"..", *os.listdir(fid.path)]
        found = b""
        for i in range(offset, len(fid.entries)):
            name = fid.entries[i]
            try:
                st = os.lstat(os.path.join(fid.path, name))
            except OSError:
                continue
            entry = self.qid(st) + struct.pack("<QB", i + 1, stat.S_IFMT(st.st_mode) >> 12) + \
                pack(name)
            if len(found) + len(entry) > count:
                break
            found += entry
        return struct.pack("<I", len(found)) + found

    def readlink(self, data):
        return pack(os.readlink(self.fids[struct.unpack_from("<I", data)[0]].path))

    def getattr(self, data):
        number, = struct.unpack_from("<I", data)
        st = os.lstat(self.fids[number].path)
        times = []
        for ns in (st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns, 0):
            times += divmod(ns, 1000000000)
        return struct.pack("<Q", GETATTR_BASIC) + self.qid(st) + struct.pack(
            "<IIIQQQQQ8QQQ", st.st_mode, st.st_uid, st.st_gid, st.st_nlink, st.st_rdev,
            st.st_size, st.st_blksize, st.st_blocks, *times, 0, 0)

    def statfs(self, data):
        st = os.statvfs(self.fids[struct.unpack_from("<I", data)[0]].path)
        return struct.pack("<IIQQQQQQI", 0x01021997, st.f_bsize, st.f_blocks, st.f_bfree,
                           st.f_bavail, st.f_files, st.f_ffree, 0, st.f_namemax)

    def fsync(self, _data):
        return b""
