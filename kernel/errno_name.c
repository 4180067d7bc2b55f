// The names of errors.

#include <arch/types.h>
#include <kernel/errno.h>
#include <kernel/errno_name.h>

#define NAME(error) [error] = #error

static const char *const names[] = {
    NAME(EPERM),  NAME(ENOENT),    NAME(ESRCH),      NAME(EINTR),  NAME(EIO),          NAME(ENXIO),
    NAME(E2BIG),  NAME(ENOEXEC),   NAME(EBADF),      NAME(EAGAIN), NAME(ENOMEM),       NAME(EACCES),
    NAME(EFAULT), NAME(EBUSY),     NAME(EEXIST),     NAME(ENODEV), NAME(ENOTDIR),      NAME(EISDIR),
    NAME(EINVAL), NAME(ENFILE),    NAME(EMFILE),     NAME(ENOTTY), NAME(EFBIG),        NAME(ENOSPC),
    NAME(ESPIPE), NAME(EROFS),     NAME(EPIPE),      NAME(ERANGE), NAME(ENAMETOOLONG), NAME(ENOSYS),
    NAME(ELOOP),  NAME(EOVERFLOW), NAME(EOPNOTSUPP),
};

const char *errno_name(int error)
{
    return error >= 0 && (size_t)error < array_length(names) ? names[error] : NULL;
}
