// What the devices' nodes do when they are open.
#pragma once

#include <kernel/file.h>

extern const struct file_operations device_null, device_zero, device_console;
