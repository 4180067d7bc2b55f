// What functions return, negated, when they fail: Linux's numbers, because programs see them too.
#pragma once

#define ENOENT 2  // nothing has that name
#define EIO    5  // the device, or the register, is not there
#define ENOMEM 12 // no memory left
#define EFAULT 14 // a bad address
#define EBUSY  16 // taken already
#define EEXIST 17 // something is there already
#define EINVAL 22 // an argument that makes no sense
#define ENOSYS 38 // no such system call
