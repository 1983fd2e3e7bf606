/* Comp at the last step of the saturating thermostat, from many initial values; A = T, n = R[0]. */
#include <math.h>

#define LARGE 0x1p300
#define SMALL 0x1p-300

void thermostat(long points, long steps, double dt, double d, double theta, double p, double T0,
                const double *R0, double *comp)
{
#pragma omp parallel for schedule(static)
    for (long j = 0; j < points; j++) {
        double T = T0, R = R0[j], xT = 0, xR = 1, yR = 1;
        long px = 0, py = 0;
        for (long i = 0; i < steps; i++) {
            double power, slope;
            if (theta <= T) power = p, slope = 0;
            else if (-theta >= T) power = -p, slope = 0;
            else power = p * T / theta, slope = p / theta;
            double nT = R - d, nR = R - dt * power;
            double nxT = xR, nxR = xR - dt * slope * xT;
            T = nT, R = nR, xT = nxT, xR = nxR;
            double size = fabs(xT) > fabs(xR) ? fabs(xT) : fabs(xR);
            if (!(size < LARGE && size > SMALL) && size != 0) {
                int e;
                frexp(size, &e);
                xT = ldexp(xT, -e), xR = ldexp(xR, -e), px += e;
            }
            size = fabs(yR);
            if (!(size < LARGE && size > SMALL) && size != 0) {
                int e;
                frexp(size, &e);
                yR = ldexp(yR, -e), py += e;
            }
        }
        comp[j] = ldexp(xR / yR, (int)(px - py));
    }
}
