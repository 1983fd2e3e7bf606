/* Exact Op of b at every step of the Lorenz system by Euler's method; A = a, n = b[0]. */
#include <math.h>

#define LARGE 0x1p300
#define SMALL 0x1p-300

static inline double larger(double x, double y) { return x > y ? x : y; }

void lorenz(long steps, double dt, double sigma, double rho, double beta, double a, double b,
            double c, double *op)
{
    double xa = 0, xb = 1, xc = 0, yb = 1, yc = 0;
    long px = 0, py = 0;
    op[0] = 0;
    for (long i = 1; i <= steps; i++) {
        double na = a + dt * (sigma * (b - a));
        double nb = b + dt * (a * (rho - c) - b);
        double nc = c + dt * (a * b - beta * c);
        double nxa = xa + dt * (sigma * (xb - xa));
        double nxb = xb + dt * (xa * (rho - c) - a * xc - xb);
        double nxc = xc + dt * (xa * b + a * xb - beta * xc);
        double nyb = yb + dt * (-a * yc - yb);
        double nyc = yc + dt * (a * yb - beta * yc);
        a = na, b = nb, c = nc, xa = nxa, xb = nxb, xc = nxc, yb = nyb, yc = nyc;
        double size = larger(fabs(xa), larger(fabs(xb), fabs(xc)));
        if (!(size < LARGE && size > SMALL) && size != 0) {
            int e;
            frexp(size, &e);
            xa = ldexp(xa, -e), xb = ldexp(xb, -e), xc = ldexp(xc, -e), px += e;
        }
        size = larger(fabs(yb), fabs(yc));
        if (!(size < LARGE && size > SMALL) && size != 0) {
            int e;
            frexp(size, &e);
            yb = ldexp(yb, -e), yc = ldexp(yc, -e), py += e;
        }
        op[i] = -(log(fabs(xb / yb)) + (px - py) * 0.69314718055994530942);
    }
}
