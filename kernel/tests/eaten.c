// Memory that a test keeps from everybody else: a list that goes through the pages themselves.

#include <kernel/memory.h>
#include <kernel/tests/eaten.h>

struct eaten {
    struct eaten *next;
};

struct eaten *memory_eat(size_t rest)
{
    struct eaten *list = NULL;

    while (pages_available() > rest) {
        struct eaten *page = pages_allocate(1);

        page->next = list;
        list = page;
    }
    return list;
}

void memory_give_back(struct eaten *eaten)
{
    while (eaten) {
        struct eaten *next = eaten->next;

        pages_free(eaten, 1);
        eaten = next;
    }
}
