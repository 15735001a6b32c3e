#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { char *data; size_t length, room; } Text;

static void append(Text *text, const char *more) {
    size_t length = strlen(more);
    if (text->length + length + 1 > text->room) {
        text->room = (text->length + length + 1) * 2;
        text->data = realloc(text->data, text->room);
    }
    memcpy(text->data + text->length, more, length + 1);
    text->length += length;
}

int main(void) {
    Text text = {0};
    char number[24];
    for (long long i = 0; i < 1000000; i++) {
        snprintf(number, sizeof number, "%lld,", i);
        append(&text, number);
        if (i % 10 == 0)
            append(&text, "line\n");
    }
    printf("%zu\n", text.length);
}
