// Floating point with x87 and SSE: the same digits on every kernel, and across every system call.

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

typedef float four __attribute__((vector_size(16)));

static double series(void)
{
    double sum = 0;

    for (int i = 1; i <= 100000; i++)
        sum += 1.0 / ((double)i * i);
    return sum;
}

// Values that stay in registers while the kernel is called and while pages come.
static double across_calls(void)
{
    register double a = 1.0 / 3, b = 2.0 / 7;
    long double c = 1.0L / 11;

    for (int i = 0; i < 1000; i++) {
        getppid();
        a = a * 1.000001 + b;
        c += a;
    }
    return a + (double)c;
}

static void rounding(void)
{
    static const int ways[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    volatile double one = 1, three = 3;
    volatile long double long_one = 1, long_three = 3;

    for (int i = 0; i < 4; i++) {
        fesetround(ways[i]);
        getppid();
        printf("%a %La\n", one / three, long_one / long_three);
    }
    fesetround(FE_TONEAREST);
}

int main(void)
{
    four x = { 1, 2, 3, 4 }, y = { 0.5f, 0.25f, 2, -1 };

    printf("%.17g %.17g\n", series(), across_calls());
    printf("%.17g %.17g %.17g %.17g\n", sqrt(2), sin(1), exp(1), pow(2, 0.5));
    printf("%.20Lg %.20Lg\n", sqrtl(2), 1.0L / 3);
    for (int i = 0; i < 100; i++)
        x = x * y + 1;
    printf("%a %a %a %a\n", (double)x[0], (double)x[1], (double)x[2], (double)x[3]);
    rounding();
    printf("%g %g %d %d\n", INFINITY, -INFINITY, isnan(NAN), fetestexcept(FE_OVERFLOW) != 0);
    printf("%lld %d %.1f\n", llrint(2.5), (int)-2.7, round(-2.5));
    return 0;
}
