# Draws lines as an SVG. Input: `NAME X Y`, the points of one line after another in any order of lines.
# Variables: title, xlabel, ylabel; lines: `NAME COLOUR KIND LEGEND;...`, KIND is line, dash or step (a value that holds
# until the next one); ymin: where the y axis begins.

function escape(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }
# A round number so that there are about five of them up to `range`.
function step(range, power) {
    power = 10 ^ int(log(range / 5) / log(10))
    if (range / 5 < power) power /= 10
    if (range / power <= 5) return power
    if (range / power <= 12) return 2 * power
    return range / power <= 30 ? 5 * power : 10 * power
}
function px(x) { return LEFT + (x - xlow) / (xhigh - xlow) * (RIGHT - LEFT) }
function py(y) { return BOTTOM - (y - ylow) / (yhigh - ylow) * (BOTTOM - TOP) }
function text(x, y, anchor, size, what, more) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\"%s>%s</text>\n", x, y, anchor, size, more, escape(what)
}
function number(value) { return value == int(value) ? sprintf("%d", value) : sprintf("%g", value) }

function axes(x, y, xs, ys) {
    xs = step(xhigh - xlow); ys = step(yhigh - ylow)
    for (y = ys * int(ylow / ys + 0.9999); y <= yhigh * 1.0001; y += ys) {
        printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n", LEFT, py(y), RIGHT, py(y)
        text(LEFT - 8, py(y) + 4, "end", 12, number(y))
    }
    for (x = xs * int(xlow / xs + 0.9999); x <= xhigh * 1.0001; x += xs) {
        printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#eeeeee\"/>\n", px(x), TOP, px(x), BOTTOM
        text(px(x), BOTTOM + 18, "middle", 12, number(x))
    }
    printf "<path d=\"M%d,%d V%d H%d\" fill=\"none\" stroke=\"#333333\"/>\n", LEFT, TOP, BOTTOM, RIGHT
    text((LEFT + RIGHT) / 2, BOTTOM + 40, "middle", 13, xlabel)
    text(0, 0, "middle", 13, ylabel, sprintf(" transform=\"translate(22,%d) rotate(-90)\"", (TOP + BOTTOM) / 2))
    text(LEFT, 26, "start", 16, title, " font-weight=\"bold\"")
}

function draw(name, colour, kind, i, path) {
    for (i = 1; i <= points[name]; i++) {
        if (i > 1 && kind == "step") path = path sprintf(" H%.1f", px(x_of[name, i]))
        path = path sprintf(" %s%.1f,%.1f", i == 1 ? "M" : "L", px(x_of[name, i]), py(y_of[name, i]))
    }
    if (kind == "step") path = path sprintf(" H%.1f", px(xhigh))
    printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", path, colour, dashes(kind)
}
function dashes(kind) { return kind == "line" ? "" : kind == "dash" ? " stroke-dasharray=\"7 5\"" : " stroke-dasharray=\"2 3\"" }

function legend(i, colour, kind, what, y) {
    y = TOP - 14 + (i - 1) * 18
    printf "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", RIGHT + 16, y + 20, RIGHT + 46, y + 20, colour, dashes(kind)
    text(RIGHT + 54, y + 24, "start", 12, what)
}

{
    points[$1]++
    x_of[$1, points[$1]] = $2 + 0
    y_of[$1, points[$1]] = $3 + 0
    if (NR == 1) { xlow = xhigh = $2 + 0; ylow = yhigh = $3 + 0 }
    if ($2 < xlow) xlow = $2 + 0
    if ($2 > xhigh) xhigh = $2 + 0
    if ($3 < ylow) ylow = $3 + 0
    if ($3 > yhigh) yhigh = $3 + 0
}

END {
    if (!NR) exit 1
    LEFT = 86; RIGHT = 640; TOP = 46; BOTTOM = 350
    margin = (yhigh - ylow) * 0.06
    ylow = ymin == "" ? ylow - margin : ymin + 0
    yhigh += margin
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 410\" font-family=\"sans-serif\" fill=\"#222222\">"
    print "<rect width=\"860\" height=\"410\" fill=\"#ffffff\"/>"
    axes()
    count = split(lines, list, ";")
    for (i = 1; i <= count; i++) {
        split(list[i], word, " ")
        what = list[i]
        sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", what)
        draw(word[1], word[2], word[3])
        legend(i, word[2], word[3], what)
    }
    print "</svg>"
}
