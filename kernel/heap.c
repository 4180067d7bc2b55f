// The kernel's heap: pages cut into pieces of one size. The header at the start of each page says
// which, so a piece finds its own size by rounding its address down.

#include <arch/layout.h>
#include <kernel/heap.h>
#include <kernel/memory.h>
#include <kernel/panic.h>

enum { SMALLEST = 32, CLASSES = 6 }; // 32 64 128 256 512 1024
enum { PAGE_MARK = 0x47617465, FREE_MARK = 0x66726565 };

struct page {
    u32 mark;
    u32 size;     // of a piece; 0 for a block of whole pages
    size_t pages; // of such a block
} aligned_to(SMALLEST);

struct piece {
    struct piece *next;
    u64 mark; // free_mark() while it lies on a free list
};

static struct piece *free_list[CLASSES];

// Differs from piece to piece, so that data which happens to look like one is not taken for it.
static u64 free_mark(const struct piece *piece)
{
    return (u64)piece ^ FREE_MARK;
}

static void *allocate_pages(size_t size)
{
    size_t pages = (size + sizeof(struct page) + PAGE_SIZE - 1) / PAGE_SIZE;
    struct page *page = pages_allocate(pages);

    if (!page)
        return NULL;
    *page = (struct page){ .mark = PAGE_MARK, .pages = pages };
    return page + 1;
}

static void put(unsigned class, struct piece *piece)
{
    piece->mark = free_mark(piece);
    piece->next = free_list[class];
    free_list[class] = piece;
}

static bool refill(unsigned class)
{
    size_t size = (size_t)SMALLEST << class;
    struct page *page = pages_allocate(1);

    if (!page)
        return false;
    *page = (struct page){ .mark = PAGE_MARK, .size = (u32)size };
    for (size_t at = PAGE_SIZE - size; at >= sizeof(*page); at -= size)
        put(class, (struct piece *)((char *)page + at));
    return true;
}

// A piece of the class, or NULL.
static struct piece *take(unsigned class)
{
    bool unlocked = memory_lock();
    struct piece *piece = NULL;

    if (free_list[class] || refill(class)) {
        piece = free_list[class];
        free_list[class] = piece->next;
        piece->mark = 0;
    }
    memory_unlock(unlocked);
    return piece;
}

void *heap_allocate(size_t size)
{
    unsigned class = 0;

    while (class < CLASSES && (size_t)SMALLEST << class < size)
        class ++;
    return class == CLASSES ? allocate_pages(size) : take(class);
}

void heap_free(void *memory)
{
    struct page *page = (struct page *)((u64)memory & -PAGE_SIZE);
    unsigned class = 0;
    bool unlocked;

    if (!memory)
        return;
    if (page->mark != PAGE_MARK)
        panic("heap_free(%p): not from the heap, or freed twice", memory);
    if (page->pages) {
        page->mark = 0;
        pages_free(page, page->pages);
        return;
    }
    if (((struct piece *)memory)->mark == free_mark(memory))
        panic("heap_free(%p): freed twice", memory);
    while ((size_t)SMALLEST << class < page->size)
        class ++;
    unlocked = memory_lock();
    put(class, memory);
    memory_unlock(unlocked);
}
