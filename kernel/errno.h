// What functions return, negated, when they fail: Linux's numbers, because programs see them too.
#pragma once

#define EPERM        1  // not allowed
#define ENOENT       2  // nothing has that name
#define ESRCH        3  // no such process
#define EINTR        4  // interrupted before anything was done
#define EIO          5  // the device, or the register, is not there
#define ENXIO        6  // nothing is there
#define E2BIG        7  // too many arguments, or too long ones
#define ENOEXEC      8  // no program, or not one that could run here
#define EBADF        9  // no such descriptor, or not one for this
#define EAGAIN       11 // not now
#define ENOMEM       12 // no memory left
#define EACCES       13 // the file's mode forbids it
#define EFAULT       14 // a bad address
#define EBUSY        16 // taken already
#define EEXIST       17 // something is there already
#define ENODEV       19 // nothing of the kind can be mapped
#define ENOTDIR      20 // a part of the path is no directory
#define EISDIR       21 // a directory, where a file is wanted
#define EINVAL       22 // an argument that makes no sense
#define ENFILE       23 // too many files in the whole system
#define EMFILE       24 // too many descriptors
#define ENOTTY       25 // no terminal
#define EFBIG        27 // beyond the largest file
#define ENOSPC       28 // no room left on the device
#define ESPIPE       29 // nothing to seek in
#define EROFS        30 // the file system is read-only
#define EPIPE        32 // nobody reads any more
#define ERANGE       34 // too large for the room that was given
#define ENAMETOOLONG 36 // a name that no file can have
#define ENOSYS       38 // no such system call
#define ELOOP        40 // symbolic links that lead to each other
#define EOVERFLOW    75 // too large for its type
#define EOPNOTSUPP   95 // not for this kind of file
