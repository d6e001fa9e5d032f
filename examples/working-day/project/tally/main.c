/* The same as src/main.rs, for a machine without Rust: revenue of each country in cents, highest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct country {
    char name[3];
    unsigned long long cents;
};

static struct country countries[64];
static size_t known;

static struct country *find(const char *name) {
    for (size_t i = 0; i < known; i++)
        if (strcmp(countries[i].name, name) == 0) return &countries[i];
    if (known == sizeof countries / sizeof *countries) exit(3);
    strcpy(countries[known].name, name);
    return &countries[known++];
}

static int by_revenue(const void *a, const void *b) {
    const struct country *x = a, *y = b;
    if (x->cents != y->cents) return x->cents < y->cents ? 1 : -1;
    return strcmp(x->name, y->name);
}

int main(void) {
    char line[256], name[3];
    unsigned long long quantity, price, rows = 0;
    if (fgets(line, sizeof line, stdin) == NULL) return 2;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%*[^,],%*[^,],%2[^,],%*[^,],%llu,%llu", name, &quantity, &price) != 3) return 2;
        find(name)->cents += quantity * price;
        rows++;
    }
    qsort(countries, known, sizeof *countries, by_revenue);
    for (size_t i = 0; i < known; i++) printf("%s %llu\n", countries[i].name, countries[i].cents);
    fprintf(stderr, "%llu rows\n", rows);
    return 0;
}
