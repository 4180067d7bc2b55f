# Gatehouse: every command. `make help` lists them.

# A line that begins with ## is help; with ##project or ##handout, help in such a tree only.
## LAB=3, 03, 03-exceptions and exceptions are one lab; V=1 shows what make types.
##
##   make deps                    what is missing; installs it, or says the line that does

# Hosts that are not x86-64: make CROSS=x86_64-linux-gnu-
CROSS   ?=
CC      := $(CROSS)gcc
LD      := $(CROSS)ld
AR      := $(CROSS)ar
NM      := $(CROSS)nm
OBJCOPY := $(CROSS)objcopy
NASM    := nasm
PYTHON  := /usr/bin/python3

ifneq ($(words $(CURDIR)),1)
$(error make cannot build where the name of a folder has a space: move or rename $(CURDIR))
endif

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif

# B holds what all kernels share; OUT what one tree of lab files makes. OVERLAY, if given, is a
# folder with files that are compiled instead of the tree's own.
B       := build
OUT     ?= $(B)
OVERLAY ?=
# To grade a class OUT is where the marks go.
ifneq ($(filter grade-class,$(MAKECMDGOALS)),)
MARKS        := $(if $(filter file,$(origin OUT)),,$(OUT))
override OUT := $(B)
endif
# LABS= names a course's labs; which labs there are is in labs.mk.
TAUGHT := $(if $(filter command,$(origin LABS)),$(LABS))
override undefine LABS
# One name for one folder: what an object depends on is noted under the object's name.
override OUT := $(patsubst $(CURDIR)/%,%,$(abspath $(OUT)))

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# What works in the project alone; the files that it needs are not handed out.
PROJECT_ONLY := grade-class regrade similar gradescope check-labs skeletons mutants bench bench-grade bench-class \
                hostile docs emulators handout start test
-include labs/current.mk
here := $(if $(wildcard labs/current.mk),handout,project)
ifeq ($(here),handout)
$(foreach c,$(filter $(PROJECT_ONLY),$(MAKECMDGOALS)),$(error make $c is a command of the project, this is a handout; \
`make help` lists what it has))
endif

# A misspelt option of what gives marks or publishes would go unheard, and its default be taken.
TAKES.grade-class := DIR OUT LAB JOBS SEED POLICY ENGINE LABS
TAKES.regrade     := SUBMISSION TEST
TAKES.similar     := DIR LAB LEAST EXPORT
TAKES.gradescope  := LAB
TAKES.bench-class := LAB REPEAT LOAD
TAKES.handout     := DIR LABS UPTO
TAKES.start       := LAB DIR
TAKES.all         := V CROSS CC LD AR NM OBJCOPY NASM PYTHON
ifneq ($(TAKES.$(MAKECMDGOALS)),)
said := $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),$v))
unknown := $(filter-out $(TAKES.$(MAKECMDGOALS)) $(TAKES.all) MAKE% -*,$(said))
$(if $(unknown),$(error $(firstword $(unknown))= is no option of make $(MAKECMDGOALS); \
there are $(patsubst %,%=,$(TAKES.$(MAKECMDGOALS)))))
endif

.PHONY: help
help:
	@sed -n -e 's/^##$(here)//p' -e 's/^##\( \|$$\)//p' $(firstword $(MAKEFILE_LIST))

# ---- the labs ------------------------------------------------------------------------------------

-include $(B)/labs.mk

lab_folders := labs/* labs/*/private
$(B)/labs.mk: $(wildcard $(foreach f,$(lab_folders),$(f)/lab.toml $(f)/*.asm $(f)/*.c)) \
              $(wildcard labs/*/ labs/*/private/) $(wildcard labs/*/standins) grading/lab
	@mkdir -p $(@D)
	$(Q)[ -x $(PYTHON) ] || grading/deps grade
	$(Q)$(PYTHON) grading/lab mk > $@

# LAB=3, 03, 03-exceptions and exceptions are one; `all` is the complete kernel. A name in OWN is that
# with what lies in a folder of its own: the kernel's tests, what `make bench` counts, what `make docs` draws,
# what `make emulators` observes, what `make hostile` and `make sweep` do to the kernel.
OWN           := kernel bench drawings emulators hostile sweep
OWN.kernel    := kernel/tests
OWN.bench     := kernel/bench
OWN.drawings  := kernel/drawings
OWN.emulators := kernel/emulators
OWN.hostile   := kernel/hostile
OWN.sweep     := kernel/sweep
# In a handout the current lab is the default.
asked := $(LAB)
LAB   ?= $(or $(CURRENT),all)
lab   := $(firstword $(foreach n,$(LABS),$(if $(filter $(LAB),$(n) $(n:0%=%) $(ID.$(n)) $(ID.$(n):$(n)-%=%)),$(n))))
# Only if labs.mk is there and younger than the labs; make writes it and starts anew if it is not.
older := $(shell find labs -name lab.toml -newer $(B)/labs.mk 2> /dev/null)
ifeq ($(if $(LABS),$(older),none),)
ifeq ($(lab)$(filter all $(OWN),$(LAB)),)
$(error LAB=$(LAB) is no lab; the labs are $(foreach n,$(LABS),$(ID.$(n))))
endif
endif

# Labs up to the one asked for, and those after it.
upto  = $(if $(1),$(foreach n,$(ALL_LABS),$(shell [ $(n) -le $(1) ] && echo $(n))),$(ALL_LABS))
LABS_IN  := $(call upto,$(lab))
LABS_OUT := $(filter-out $(LABS_IN),$(ALL_LABS))
LABS_WITHOUT_FILES := $(foreach n,$(ALL_LABS),$(if $(ADDS.$(n)),,$(n)))

# ---- sources -------------------------------------------------------------------------------------

sources     := $(sort $(shell find kernel arch -name '*.c' -o -name '*.asm'))
own_tests   := $(filter $(foreach k,$(OWN),$(OWN.$(k))/%),$(sources))
lab_sources := $(foreach n,$(ALL_LABS),$(ADDS.$(n)))
special     := arch/x86_64/entry/offsets.c arch/x86_64/boot/disk.asm kernel/archive.asm
base        := $(filter-out $(lab_sources) $(special) $(own_tests),$(sources))

# A stand-in's path in the tree is that of the file it stands for; its lab says where it lies.
labs_to_come := $(LABS_OUT) $(filter $(LABS_WITHOUT_FILES),$(LABS_IN))
standins := $(foreach n,$(labs_to_come),$(STANDINS.$(n):%=labs/$(ID.$(n))/standins/%))
tests    := $(if $(lab),$(TESTS.$(lab)),$(filter $(OWN.$(LAB))/%,$(own_tests)))
added    := $(filter %.c %.asm,$(foreach n,$(LABS_IN),$(ADDS.$(n))))
tested   := $(filter %.c %.asm,$(tests))
linked   := $(added) $(tested)

objects = $(patsubst %,$(1)/obj/%.o,$(2))

# ---- compiling -----------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla
INCLUDES := $(foreach tree,$(OVERLAY) .,-I$(tree) -I$(tree)/arch/x86_64/include -I$(tree)/arch/x86_64)
CFLAGS   := -std=gnu11 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
            -masm=intel -fcf-protection=none -fno-stack-protector -fno-omit-frame-pointer \
            -fno-optimize-sibling-calls -fno-asynchronous-unwind-tables -fno-strict-aliasing \
            -fno-delete-null-pointer-checks -fno-tree-loop-distribute-patterns $(WARNINGS) $(CFLAGS_EXTRA)
ASFLAGS  := -f elf64 -g -F dwarf -w+all -w+error \
            $(foreach tree,$(OVERLAY) .,-i$(tree)/arch/x86_64/include/ -i$(tree)/arch/x86_64/entry/ -i$(tree)/) -i$(B)/
LDFLAGS  := -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments --build-id=none

# A file with a hole left in it has code that nothing uses yet.
unused = $$(grep -qs '^ *hole(' $< && echo -Wno-unused)

define compile_c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INCLUDES) $(unused) -MMD -MP -c $< -o $@
endef
# NASM's -MD, with which one call would do, leaves out every included file (2.16.01).
define assemble
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) $(ASFLAGS) $< -o $@
	$(Q)$(NASM) $(ASFLAGS) -M -MP -MT $@ -MF $(@:.o=.d) $<
endef

# Objects are as this file says, and what they depend on is noted as it says: another Makefile makes them anew.
# The base is compiled once, from the tree alone.
$(call objects,$(B),$(filter %.c,$(base))): INCLUDES := -I. -Iarch/x86_64/include -Iarch/x86_64
$(call objects,$(B),$(filter %.c,$(base))): $(B)/obj/%.o: % Makefile
	$(compile_c)
$(call objects,$(B),$(filter %.asm,$(base))): $(B)/obj/%.o: % Makefile | $(B)/offsets.inc
	$(assemble)

$(B)/base.a: $(call objects,$(B),$(base))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/offsets.inc: arch/x86_64/entry/offsets.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -I. -Iarch/x86_64/include -MMD -MP -MT $@ -MF $(B)/offsets.d -S $< -o $(B)/offsets.s
	$(Q)sed -n 's/^=> //p' $(B)/offsets.s > $@

# The files of the labs come from the overlay where it has them. Another overlay into the same OUT,
# or one with other files, makes their objects anew and forgets what they depended on.
overlay := $(strip $(OVERLAY) $(if $(OVERLAY),$(sort $(shell cd $(OVERLAY) && find . ! -type d))))
ifneq ($(overlay),$(strip $(file < $(OUT)/overlay)))
$(shell grep -rlF --include='*.d' -- '$(firstword $(file < $(OUT)/overlay))/' $(OUT)/obj 2>/dev/null | xargs -r rm -f)
$(shell mkdir -p $(OUT); echo '$(overlay)' > $(OUT)/overlay)
endif
$(OUT)/overlay:
	@mkdir -p $(@D)
	@echo '$(overlay)' > $@

from = $(firstword $(wildcard $(if $(OVERLAY),$(OVERLAY)/$(1))) $(1))
define lab_object
$(OUT)/obj/$(1).o: $(call from,$(1)) Makefile $(OUT)/overlay | $(B)/offsets.inc
	$$($(if $(filter %.c,$(1)),compile_c,assemble))
endef
$(foreach s,$(linked) $(standins),$(eval $(call lab_object,$(s))))

# ---- programs ------------------------------------------------------------------------------------

# The files of userland/ are C programs like any other: here with a small C library, and static. What lies in
# userland/root comes with them into the archive of files that is part of the image.
MUSL          := musl-gcc
USERLAND_FLAGS := -static -std=gnu11 -Os -Wall -Wextra -Werror -ffunction-sections -fdata-sections -s \
                 -Wl,--gc-sections,-z,noseparate-code,-z,max-page-size=4096,--build-id=none

userland := $(patsubst userland/%.c,$(B)/userland/bin/%,$(wildcard userland/*.c))
compat   := $(patsubst userland/compat/%.c,$(B)/userland/bin/%,$(wildcard userland/compat/*.c))

$(B)/userland/bin/%: userland/%.c
	$(call say,MUSL,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL) $(USERLAND_FLAGS) $< -lm -o $@

# Those of userland/compat are 32-bit code, for which the compiler alone suffices: they have no library.
COMPAT_FLAGS := -m32 -static -nostdlib -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none \
                -std=gnu11 -Os \
                -Wall -Wextra -Werror -s -Wl,-z,noseparate-code,-z,max-page-size=4096,--build-id=none

$(compat): $(B)/userland/bin/%: userland/compat/%.c userland/compat/program.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(COMPAT_FLAGS) $< -o $@

# The one that `make bench` counts with is its own library.
$(B)/userland/bin/doors: USERLAND_FLAGS += -nostdlib -ffreestanding -fno-stack-protector

# A program that is no more goes from the folder, too.
$(B)/initramfs.cpio: $(userland) $(compat) $(shell find userland -type f) grading/archive grading/gatehouse/cpio.py
	$(call say,CPIO,$@)
	$(Q)rm -f $(filter-out $(userland) $(compat),$(wildcard $(B)/userland/bin/*))
	$(Q)grading/archive $@ $(B)/userland userland/root

# Only the kernels that run programs have it.
archive := kernel/archive.asm
$(call objects,$(B),$(archive)): $(archive) Makefile $(B)/initramfs.cpio
	$(assemble)

# ---- linking -------------------------------------------------------------------------------------

id     := $(or $(ID.$(lab)),$(LAB))
dir    := $(OUT)/$(id)
kernel := $(dir)/kernel
script := arch/x86_64/boot/linker.ld

$(dir)/standins.a: $(call objects,$(OUT),$(standins)) $(B)/labs.mk
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# Linked between what students write and the tests: no fact comes from before it (kernel/test.c).
$(dir)/lab.o: $(B)/labs.mk Makefile
	@mkdir -p $(@D)
	$(Q)printf 'extern const char lab_id[];\nconst char lab_id[] = "%s";\nasm("%s");\n' '$(id)' \
		'.text; .globl tests_code; tests_code: .byte 0xcc' | \
		$(CC) $(CFLAGS) -x c -c - -o $@

# Two links: the first one's symbols become the table of the second, behind all code.
brings := $(if $(filter kernel/programs.c,$(linked)),$(call objects,$(B),$(archive)))
define link
$(LD) $(LDFLAGS) -T $(script) -o $(1) $(call objects,$(OUT),$(added)) $(dir)/lab.o $(call objects,$(OUT),$(tested)) \
	$(2) $(brings) --start-group $(B)/base.a $(dir)/standins.a --end-group
endef
define symbol_table
awk -f $(symbols) > $(1).asm && $(NASM) -f elf64 $(1).asm -o $(1).o
endef
symbols := arch/x86_64/boot/symbols.awk

$(kernel): $(call objects,$(OUT),$(linked)) $(dir)/lab.o $(dir)/standins.a $(B)/base.a $(brings) $(script) $(symbols)
	$(call say,LD,$@)
	$(Q): | $(call symbol_table,$(dir)/no_symbols)
	$(Q)$(call link,$(dir)/kernel.first,$(dir)/no_symbols.o)
	$(Q)$(NM) -n $(dir)/kernel.first | $(call symbol_table,$(dir)/symbols)
	$(Q)$(call link,$@,$(dir)/symbols.o)

$(dir)/disk.img: $(kernel) arch/x86_64/boot/disk.asm
	$(Q)$(OBJCOPY) -O binary $< $(dir)/kernel.bin
	$(Q)$(NASM) -f bin -w+all -w+error -DIMAGE='"$(dir)/kernel.bin"' arch/x86_64/boot/disk.asm -o $@

.PHONY: base kernel
base: $(B)/base.a $(B)/offsets.inc
kernel: $(kernel) $(dir)/disk.img

-include $(patsubst %.o,%.d,$(call objects,$(B),$(base)) $(call objects,$(OUT),$(linked) $(standins))) $(B)/offsets.d

# ---- booting through GRUB ----------------------------------------------------------------------

# Only the modules that the image uses: a GRUB with all of them takes twice as long to start. It
# asks for every partition module when it looks at a disk, and complains of those that are missing.
GRUB_MODULES := normal biosdisk iso9660 tar multiboot configfile test \
                $(addprefix part_,acorn amiga apple bsd dfly dvh gpt msdos plan sun sunpc)

$(dir)/gatehouse.iso: $(kernel) arch/x86_64/boot/grub.cfg
	$(call say,ISO,$@)
	$(Q)rm -rf $(dir)/iso && mkdir -p $(dir)/iso/boot/grub
	$(Q)$(OBJCOPY) -O binary $< $(dir)/iso/boot/gatehouse
	$(Q)cp arch/x86_64/boot/grub.cfg $(dir)/iso/boot/grub/
	$(Q)grub-mkrescue --install-modules='$(GRUB_MODULES)' --fonts= --locales= --themes= \
		--directory=/usr/lib/grub/i386-pc -o $@ $(dir)/iso 2> $@.log || { cat $@.log >&2; exit 1; }

# The command line of a boot through GRUB: a disk that is a tar archive with one file, which
# grub.cfg reads. With FILES=, a folder, an archive of it comes as a second one. The ISO stays as it is.
.PHONY: FORCE
FORCE:
$(dir)/cmdline.tar: FORCE
	@mkdir -p $(dir)
	$(Q)echo 'set cmdline="$(CMDLINE)"' > $(dir)/gatehouse.cfg
	$(Q)$(if $(FILES),grading/archive $(dir)/files.cpio '$(FILES)')
	$(Q)tar --format=ustar -C $(dir) -cf $@ gatehouse.cfg $(if $(FILES),files.cpio) && truncate -s %516096 $@

##handout  make run [TEST=]             the same as make qemu
##project  make run [RUN='hello a; ls /'] [FILES=]    the complete kernel through GRUB in QEMU, console in this
##project                               terminal; FILES is a folder of further programs and files
##   make iso [LAB=]              gatehouse.iso for a CD, a USB stick, an emulator
.PHONY: iso run
iso: $(dir)/gatehouse.iso

# The words for the kernel's command line that make was given.
CMDLINE := $(if $(TEST),test=$(TEST)) $(if $(SEED),seed=$(SEED)) $(if $(NONCE),nonce=$(NONCE)) \
           $(if $(TRACE),trace=$(TRACE)) $(if $(RUN),run=$(RUN))

ifeq ($(here),handout)
run: qemu
else
# The serial port and the debug console, on which a hole names itself, in this terminal.
run: $(dir)/gatehouse.iso $(dir)/cmdline.tar
	@echo 'Ctrl-a x quits'
	$(Q)qemu-system-x86_64 $(QEMU_MACHINE) -display none -chardev stdio,id=terminal,mux=on,signal=off \
		-mon chardev=terminal -serial chardev:terminal -device isa-debugcon,iobase=0xe9,chardev=terminal \
		-cdrom $(dir)/gatehouse.iso -boot d -drive file=$(dir)/cmdline.tar,format=raw,snapshot=on \
		-device isa-debug-exit,iobase=0xf4,iosize=4; [ $$? -le 1 ]
endif

QEMU_MACHINE := -accel tcg -machine q35 -cpu max,vendor=GenuineIntel -m 128 -net none

# ---- judging -------------------------------------------------------------------------------------

##
##   make grade [LAB=] [EMU=] [TEST=] [SEED=]      build, boot and judge
##project  make grade-class DIR= OUT= [LAB=] [JOBS=] [SEED=] [POLICY=] [LABS=] [ENGINE=]   grade many submissions;
##project                               it can be stopped and goes on
##project  make regrade SUBMISSION= [TEST=]    a complaint: judge a student's folder in OUT again, and say what differs
##project  make similar DIR= [LAB=] [LEAST=]    submissions whose holes are alike; EXPORT= for JPlag and MOSS
##project  make gradescope LAB=        gradescope-labNN.zip, the autograder that Gradescope takes
##project  make check-labs              whether labs, holes, skeletons and links fit together
##project  make skeletons               derive the skeletons and the links of the solutions
##project  make mutants [LAB=]          whether every wrong solution is caught, with its hint
##project  make bench [COMMIT=1]        the instructions of every way in and back, against grading/bench.toml
##project  make bench-grade             how long judging takes, against emulators that only exit
##   make sweep [EMU=] [DOOR=] [EVENT=] [SHARE=] [SEED=]   an event at every instruction of every way in and out
##project  make bench-class [REPEAT=] [LOAD=1]   how fast a class of 200 is graded, or whether REPEAT verdicts are equal
##project  make hostile [SEED=] [COUNT=] [EMU=] [CPU=]     programs made to harm the kernel; COUNT=1 tells about one

# option --name,WORDS: `--name word` for each
option = $(foreach w,$(2),$(1) $(w))
# quoted,TEXT: one word for the shell; single,--name,TEXT: `--name 'TEXT'` if there is any
quoted = '$(subst ','\'',$(1))'
single = $(if $(strip $(2)),$(1) $(call quoted,$(strip $(2))))

.PHONY: grade grade-class regrade similar gradescope bench-class
.PHONY: check-labs skeletons mutants bench bench-grade hostile sweep
grade:
	@grading/deps grade
	$(Q)grading/grade $(call option,--lab,$(filter-out all,$(asked))) $(call option,--emu,$(EMU)) \
		$(call option,--test,$(TEST)) $(call option,--seed,$(SEED)) $(GRADE_FLAGS)

grade-class:
	$(Q)grading/grade-class --dir $(call quoted,$(DIR)) --out $(call quoted,$(MARKS)) \
		$(call single,--lab,$(filter-out all,$(asked))) $(call single,--labs,$(TAUGHT)) $(call single,--jobs,$(JOBS)) \
		$(call single,--policy,$(POLICY)) $(call single,--seed,$(SEED)) $(call single,--engine,$(ENGINE))

regrade:
	$(Q)grading/regrade $(call quoted,$(SUBMISSION)) $(call single,--test,$(TEST))

similar:
	$(Q)grading/similar --dir $(call quoted,$(DIR)) $(call single,--lab,$(filter-out all,$(asked))) \
		$(call single,--least,$(LEAST)) $(call single,--export,$(EXPORT))

gradescope:
	$(Q)$(if $(filter-out all,$(asked)),,echo 'say which lab with LAB=' >&2; exit 2;) \
		grading/gradescope zip $(call quoted,$(filter-out all,$(asked)))

check-labs:
	$(Q)for lab in kernel $(LABS); do $(MAKE) -s kernel LAB=$$lab || exit; done
	$(Q)grading/lab check --objects $(B)/obj

skeletons:
	$(Q)grading/lab skeletons

mutants:
	$(Q)grading/grade --mutants $(call option,--lab,$(filter-out all,$(asked)))

bench:
	$(Q)$(MAKE) -s kernel LAB=bench
	$(Q)grading/bench --built $(OUT)/bench $(if $(COMMIT),--commit)

bench-grade:
	$(Q)grading/bench-grade

# In a handout it is the student's own tree that is swept, as make qemu runs it.
sweep:
	$(Q)$(if $(filter 10,$(LABS)),,echo 'the sweep comes with lab 10' >&2; exit 2)
	$(Q)$(MAKE) -s kernel LAB=sweep
	$(Q)grading/sweep --built $(OUT)/sweep $(call option,--emu,$(EMU)) $(if $(DOOR),--door '$(DOOR)') \
		$(if $(EVENT),--event '$(EVENT)') $(if $(SHARE),--share '$(SHARE)') $(if $(SEED),--seed '$(SEED)')

bench-class:
	$(Q)grading/bench-class $(call single,--lab,$(filter-out all,$(asked))) $(call single,--repeat,$(REPEAT)) \
		$(if $(LOAD),--load)

hostile_words = $(foreach w,SEED COUNT EMU CPU,$(if $(filter command environment,$(origin $w)),--$w '$($w)'))
hostile:
	$(Q)grading/hostile $(hostile_words) --check
	$(Q)$(MAKE) -s kernel LAB=hostile
	$(Q)grading/hostile $(hostile_words) --built $(OUT)/hostile

# ---- debugging -----------------------------------------------------------------------------------

##
##   make qemu|bochs [LAB=] [TEST=] [SEED=] [TRACE=on]     boot one lab by hand, console in this terminal
##   make debug [LAB=] [TEST=]    QEMU and gdb in this terminal; make qemu-gdb, make gdb in two
##   make bochs-debug [LAB=] [TEST=]               the debugger of Bochs, symbols loaded
##   make tour LAB=               a guided session in that debugger; CHECK=1 plays and checks it
##   make tours                   plays and checks all of them
by_hand = grading/debug $(1) --built $(dir) --state $(B) $(if $(lab),--lab $(lab)) \
          --test '$(TEST)' --seed '$(SEED)' --trace '$(TRACE)'

.PHONY: qemu bochs qemu-gdb gdb debug bochs-debug tour tours
qemu bochs qemu-gdb debug bochs-debug: kernel
	$(Q)$(call by_hand,$@)
gdb:
	$(Q)grading/debug gdb --state $(B)

TOURS := $(strip $(foreach n,$(LABS),$(if $(wildcard labs/$(ID.$(n))/tour/tour.toml),$(n))))
which := LAB= says which tour; $(if $(TOURS),there are tours of the labs $(TOURS),there is none up to this lab)
tour: $(if $(filter $(TOURS),$(lab)),kernel)
	$(Q)$(if $(filter $(TOURS),$(lab)),,echo '$(which)' >&2; exit 2;) \
		$(call by_hand,tour) $(if $(CHECK),--check)
tours:
	$(Q)for lab in $(TOURS); do $(MAKE) -s tour LAB=$$lab CHECK=1 || exit; done

# ---- handouts ------------------------------------------------------------------------------------

##
##project  make handout DIR= [LABS=] [UPTO=]    the repository of a course: a branch for each lab
##project  make start LAB= DIR=         a tree for somebody who begins at a lab, earlier ones solved
##   make holes                   every hole, filled or not, and the test that checks it
##handout  make next                    fetch and merge the next lab
##handout  make handin                  pack what is handed in
.PHONY: handout start next holes handin
handout:
	$(Q)grading/lab handout $(call quoted,$(DIR)) $(call single,--labs,$(TAUGHT)) $(call single,--upto,$(UPTO))
start:
	$(Q)grading/lab start '$(LAB)' $(call quoted,$(DIR))
next holes handin:
	$(Q)grading/lab $@

# ---- pages ---------------------------------------------------------------------------------------

##project
##project  make docs                    draw the stacks of docs/entry.md anew, from a run
##project  make emulators [CHECK=1]     what the emulators do, row by row: docs/emulators.md; or only what has changed
.PHONY: docs emulators
docs:
	$(Q)$(MAKE) -s kernel LAB=drawings
	$(Q)grading/draw --built $(OUT)/drawings
	$(Q)grading/sweep --strip
emulators:
	$(Q)$(MAKE) -s kernel LAB=emulators
	$(Q)grading/observe --built $(OUT)/emulators $(if $(CHECK),--check)

# ---- everything ----------------------------------------------------------------------------------

##
##project  make test                    everything that this project promises about itself
##   make clean                   remove build/
.PHONY: deps test clean
deps:
	@grading/deps $(if $(filter handout,$(here)),handout,all)

test:
	@grading/deps all
	$(Q)grading/test

clean:
	rm -rf $(B)
