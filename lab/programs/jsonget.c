/* jsonget PATH...: prints values of the JSON document on standard input, e.g. `jsonget vnodes.1.balloon_kib`, a space
   between them. Strings are printed without their quotes, other values as they stand. Exit 1 when there is no such value,
   2 when the input is not JSON as far as it was read. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *at;

static void not_json(void)
{
    fprintf(stderr, "jsonget: not JSON near '%.20s'\n", at);
    exit(2);
}

static void skip_space(void)
{
    while (isspace((unsigned char)*at))
        at++;
}

static void expect(char wanted)
{
    skip_space();
    if (*at != wanted)
        not_json();
    at++;
}

static bool accept(char wanted)
{
    skip_space();
    if (*at != wanted)
        return false;
    at++;
    return true;
}

static void skip_string(void)
{
    expect('"');
    for (; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            not_json();
    }
    at++;
}

static void skip_value(void);

static void skip_members(char end, bool named)
{
    if (accept(end))
        return;
    do {
        if (named) {
            skip_string();
            expect(':');
        }
        skip_value();
    } while (accept(','));
    expect(end);
}

static void skip_value(void)
{
    if (accept('{')) {
        skip_members('}', true);
    } else if (accept('[')) {
        skip_members(']', false);
    } else if (*at == '"') {
        skip_string();
    } else {
        size_t length = strcspn(at, ",]} \t\r\n");
        if (length == 0)
            not_json();
        at += length;
    }
}

/* Moves to the named member (or the numbered element) of the value here; false when there is none. */
static bool enter(const char *key)
{
    bool named = accept('{');
    if (!named && !accept('['))
        return false;
    long wanted = strtol(key, NULL, 10), index = 0;
    if (accept(named ? '}' : ']'))
        return false;
    do {
        bool found = index++ == wanted;
        if (named) {
            skip_space();
            const char *name = at + 1;
            skip_string();
            found = (size_t)(at - 1 - name) == strlen(key) && !strncmp(name, key, strlen(key));
            expect(':');
        }
        if (found)
            return true;
        skip_value();
    } while (accept(','));
    return false;
}

/* Prints the value that the path leads to; false when there is none. */
static bool print_value(const char *text, char *path)
{
    at = text;
    for (char *key = strtok(path, "."); key; key = strtok(NULL, "."))
        if (!enter(key))
            return false;
    skip_space();
    const char *start = at;
    skip_value();
    size_t quote = *start == '"';
    printf("%.*s", (int)((size_t)(at - start) - 2 * quote), start + quote);
    return true;
}

int main(int argc, char **argv)
{
    static char text[1 << 20];
    bool whole = true;
    if (argc < 2) {
        fprintf(stderr, "usage: jsonget PATH... < FILE\n");
        return 64;
    }
    text[fread(text, 1, sizeof text - 1, stdin)] = '\0';
    for (int i = 1; i < argc; i++) {
        if (i > 1)
            putchar(' ');
        whole &= print_value(text, argv[i]);
    }
    if (argc > 2 || whole)
        putchar('\n');
    return whole ? 0 : 1;
}
