#include <stdio.h>
#include <stdlib.h>

typedef struct { long long key, value; char used; } Slot;
typedef struct { Slot *slots; unsigned long long room, count; } Map;

static Slot *find(Map *map, long long key) {
    unsigned long long at = ((unsigned long long)key * 0x9E3779B97F4A7C15ull) >> 20;
    for (at &= map->room - 1; map->slots[at].used && map->slots[at].key != key; at = (at + 1) & (map->room - 1))
        ;
    return &map->slots[at];
}

static void insert(Map *map, long long key, long long value) {
    if (map->count * 2 >= map->room) {
        Map old = *map;
        map->room = old.room ? old.room * 2 : 16;
        map->slots = calloc(map->room, sizeof(Slot));
        for (unsigned long long i = 0; i < old.room; i++)
            if (old.slots[i].used)
                *find(map, old.slots[i].key) = old.slots[i];
        free(old.slots);
    }
    Slot *slot = find(map, key);
    map->count += !slot->used;
    slot->key = key, slot->value = value, slot->used = 1;
}

int main(void) {
    Map seen = {0};
    long long x = 1, found = 0;
    for (long long i = 0; i < 1000000; i++) {
        x = (x * 1103515245 + 12345) % 2147483648;
        insert(&seen, x, i);
    }
    x = 1;
    for (long long i = 0; i < 1000000; i++) {
        x = (x * 1103515245 + 12345) % 2147483648;
        if (find(&seen, x)->value >= i)
            found++;
    }
    printf("%llu %lld\n", seen.count, found);
}
