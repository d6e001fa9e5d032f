#define _GNU_SOURCE
#include "execution_parts.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "util.h"

#define INPUT_MAX (1024u * 1024)

void input_close(struct execution *e)
{
    close_fd(&e->in);
    buffer_free(&e->in_pending);
}

void input_flush(struct execution *e)
{
    while (e->in >= 0 && buffer_pending(&e->in_pending) > 0) {
        ssize_t n = write(e->in, e->in_pending.data + e->in_pending.start, buffer_pending(&e->in_pending));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            input_close(e);
            return;
        }
        buffer_consume(&e->in_pending, (size_t)n);
    }
    if (e->in_eof && !e->pty && e->in >= 0) input_close(e);
}

/* A terminal has no end of input but its VEOF character: one at the start of a line, two after an unfinished one. */
static void terminal_eof(struct execution *e)
{
    struct termios t;
    uint8_t veof = 4;
    if (tcgetattr(e->in, &t) == 0 && t.c_cc[VEOF] != 0) veof = t.c_cc[VEOF];
    if (e->in_last != '\n') put_u8(&e->in_pending, veof);
    put_u8(&e->in_pending, veof);
    e->in_last = '\n';
}

void input_add(struct execution *e, const uint8_t *data, size_t n, bool eof)
{
    put_bytes(&e->in_pending, data, n);
    input_typed(e, mono_ms());
    if (n > 0) e->in_last = data[n - 1];
    if (eof && e->pty) terminal_eof(e);
    else if (eof) e->in_eof = true;
    input_flush(e);
}

void execution_input(struct connection *c, uint32_t id, struct execution *e, bool eof, struct slice data)
{
    if (e->in < 0 || e->in_eof || e->state == EXECUTION_ENDED) {
        reply_error(c, id, ERR_INPUT_CLOSED, 0, "the input is closed");
        return;
    }
    input_flush(e);
    if (e->in >= 0 && buffer_pending(&e->in_pending) + data.len > INPUT_MAX) {
        reply_error(c, id, ERR_INPUT_FULL, 0, "the input buffer is full");
        return;
    }
    if (e->in >= 0) input_add(e, data.data, data.len, eof);
    if (e->in < 0 && !(eof && e->in_eof)) reply_error(c, id, ERR_INPUT_CLOSED, EPIPE, "nothing reads the input any more");
    else reply_ok(c, id);
}

bool execution_resize(struct execution *e, uint16_t cols, uint16_t rows, int *err)
{
    struct winsize size = { .ws_col = cols, .ws_row = rows };
    if (e->pty && e->out.fd >= 0 && ioctl(e->out.fd, TIOCSWINSZ, &size) == 0) return true;
    *err = e->pty ? EIO : ENOTTY;
    return false;
}
