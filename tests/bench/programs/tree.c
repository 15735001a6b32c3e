#include <stdio.h>
#include <stdlib.h>

typedef struct Tree { struct Tree *left; long long value; struct Tree *right; } Tree;

static Tree *make(long long depth) {
    if (depth == 0)
        return NULL;
    Tree *tree = malloc(sizeof *tree);
    tree->left = make(depth - 1);
    tree->value = depth;
    tree->right = make(depth - 1);
    return tree;
}

static long long sum(Tree *tree) {
    return tree ? sum(tree->left) + tree->value + sum(tree->right) : 1;
}

static void drop(Tree *tree) {
    if (tree) {
        drop(tree->left);
        drop(tree->right);
        free(tree);
    }
}

int main(void) {
    long long total = 0;
    for (int i = 0; i < 20; i++) {
        Tree *tree = make(16);
        total += sum(tree);
        drop(tree);
    }
    printf("%lld\n", total);
}
