// The names of the numbers in kernel/errno.h, for people.
#pragma once

// "EFAULT" for EFAULT; NULL for a number that has no name here.
const char *errno_name(int error);
