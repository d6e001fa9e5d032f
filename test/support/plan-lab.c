/* Programs for comparing the plan runner with a shell; which one it is says argv[0]. Each but `lab` notes how it was started in $LAB_LOG.
   `lab JOBS RESULTS WORK LOG OUT ERR INPUT` runs each job (u32 n, then n strings) in WORK/1/2/3/4, as new each time, and appends to RESULTS what came of it:
   i32 status, then as strings stdout, stderr, the log, and the tree of files. A string is u32 length and that many bytes. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
    exit(99);
}

/* ---- what jobs start ---- */

static void note_start(int argc, char **argv)
{
    char *record = NULL, cwd[4096];
    size_t size = 0;
    FILE *f = open_memstream(&record, &size);
    const char *locale = getenv("LC_ALL");
    if (f == NULL || getcwd(cwd, sizeof cwd) == NULL) fail("start");
    fprintf(f, "%d%c%s%c%s%c", argc, 0, cwd, 0, locale == NULL ? "" : locale, 0);
    for (int i = 0; i < argc; i++) fwrite(argv[i], 1, strlen(argv[i]) + 1, f);
    fclose(f);
    int fd = open(getenv("LAB_LOG"), O_WRONLY | O_APPEND);
    if (fd < 0 || write(fd, record, size) != (ssize_t)size) fail("log");
    close(fd);
}

static int say(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) printf("%s%s", argv[i], i + 1 < argc ? " " : "");
    printf("\n");
    return 0;
}

static int filter(const char *name)
{
    size_t total = 0;
    /* Nothing is read ahead: what a command leaves is there for the next one, whatever ended it. */
    setvbuf(stdin, NULL, _IONBF, 0);
    for (int c; (c = getchar()) != EOF; total++) {
        if (strcmp(name, "copy") == 0) putchar(c);
        if (strcmp(name, "up") == 0) putchar(c >= 'a' && c <= 'z' ? c - 32 : c);
        if (strcmp(name, "first") == 0 && (putchar(c), c == '\n')) return 0;
    }
    if (strcmp(name, "count") == 0) printf("%zu\n", total);
    return 0;
}

static int play(const char *name, int argc, char **argv)
{
    if (strcmp(name, "say") == 0) return say(argc, argv);
    if (strcmp(name, "ok") == 0) return 0;
    if (strcmp(name, "no") == 0) return 1;
    if (strcmp(name, "seven") == 0) return 7;
    if (strcmp(name, "boom") == 0) return raise(SIGTERM);
    /* Says both whatever becomes of whoever reads the first. */
    if (strcmp(name, "both") == 0) return signal(SIGPIPE, SIG_IGN), printf("out\n"), fflush(stdout), fprintf(stderr, "stub: err\n"), 0;
    if (strcmp(name, "flood") == 0) {
        for (int i = 0; i < 40000; i++) printf("flood\n");
        return 0;
    }
    return filter(name);
}

/* ---- lab ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void put(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, content, strlen(content)) < 0) fail(path);
    close(fd);
}

static void fresh(const char *work)
{
    static const char *const files[] = { "a.ts", "b.ts", "c.js", "ab", "B", "x1", "x2", "sp ace", "q'uote", "d\"q", "[b]", "st*r", "b\\s", "\xc3\xa9t\xc3\xa9.txt", "\xc3\xbc",
                                         ".dot", ".dot.ts", "d/in.ts", "d/.hid", "d/e/deep.js", "dd/in.ts", "e~", "{x,y}", "a=b", "#hash", "home/h.ts", "home/.rc", "12", "a-b", "a]b", "!" };
    if (access(work, F_OK) == 0 && nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) fail("remove");
    if (mkdir(work, 0755) != 0 || chdir(work) != 0) fail("make");
    for (char name[2] = "1"; *name <= '4'; ++*name)
        if (mkdir(name, 0755) != 0 || chdir(name) != 0) fail("make");
    if (mkdir("d", 0755) != 0 || mkdir("d/e", 0755) != 0 || mkdir("dd", 0755) != 0 || mkdir("home", 0755) != 0 ||
        mkdir("empty", 0755) != 0)
        fail("make");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) put(files[i], files[i]);
    put("in.txt", "one\ntwo\nthree\n");
    if (symlink("in.txt", "link") != 0 || symlink("d", "dlink") != 0 || symlink("nowhere", "gone") != 0) fail("link");
}

static void put_bytes(FILE *to, const void *data, size_t n)
{
    uint32_t len = (uint32_t)n;
    fwrite(&len, 4, 1, to);
    fwrite(data, 1, n, to);
}

static void put_file(FILE *to, const char *path)
{
    char *data = NULL, block[65536];
    size_t size = 0;
    FILE *all = open_memstream(&data, &size);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || all == NULL) fail(path);
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;) fwrite(block, 1, (size_t)n, all);
    close(fd);
    fclose(all);
    put_bytes(to, data, size);
    free(data);
}

static FILE *tree;

static int tell_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)type, (void)at;
    put_bytes(tree, path, strlen(path));
    if (S_ISREG(st->st_mode)) put_file(tree, path);
    else put_bytes(tree, S_ISDIR(st->st_mode) ? "/" : "@", 1);
    return 0;
}

static int run_job(char **argv, const char *out, const char *err, const char *input)
{
    pid_t pid = fork();
    if (pid == 0) {
        int in = open(input, O_RDONLY), o = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644), e = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (dup2(in, 0) < 0 || dup2(o, 1) < 0 || dup2(e, 2) < 0) _exit(98);
        close(in), close(o), close(e);
        alarm(20);
        execv(argv[0], argv);
        _exit(98);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) fail("job");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char *describe(const char *work, size_t *size)
{
    char *text = NULL;
    tree = open_memstream(&text, size);
    if (tree == NULL || nftw(work, tell_one, 16, FTW_PHYS) != 0) fail("tree");
    fclose(tree);
    return text;
}

static int lab(char **argv)
{
    const char *work = argv[3], *log = argv[4], *out = argv[5], *err = argv[6], *input = argv[7];
    FILE *jobs = fopen(argv[1], "rb"), *results = fopen(argv[2], "wb");
    uint32_t n, len;
    size_t new_size = 0;
    char *as_new = NULL;
    put(input, "line one\nline two\n");
    if (jobs == NULL || results == NULL || setenv("LAB_LOG", log, 1) != 0) fail("jobs");
    while (fread(&n, 4, 1, jobs) == 1) {
        char **job = calloc(n + 1u, sizeof *job);
        for (uint32_t i = 0; i < n; i++) {
            if (fread(&len, 4, 1, jobs) != 1) fail("jobs");
            job[i] = calloc(1, len + 1u);
            if (fread(job[i], 1, len, jobs) != len) fail("jobs");
        }
        /* Made again only when a job changed it: that is what takes the time. */
        if (as_new == NULL) {
            fresh(work);
            as_new = describe(work, &new_size);
        }
        put(log, "");
        int32_t status = run_job(job, out, err, input);
        fwrite(&status, 4, 1, results);
        put_file(results, out);
        put_file(results, err);
        put_file(results, log);
        size_t size = 0;
        char *text = describe(work, &size);
        put_bytes(results, text, size);
        if (size != new_size || memcmp(text, as_new, size) != 0) {
            free(as_new);
            as_new = NULL;
        }
        free(text);
        for (uint32_t i = 0; i < n; i++) free(job[i]);
        free(job);
    }
    free(as_new);
    return fclose(results) == 0 ? 0 : 99;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash != NULL ? slash + 1 : argv[0];
    if (strcmp(name, "lab") == 0 && argc == 8) return lab(argv);
    note_start(argc, argv);
    return play(name, argc, argv);
}
