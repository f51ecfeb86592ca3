! Check that internal procedures of Fortran that are handed on, and are made on the stack for that, find the variables of
! their host in every tier.
module users
  implicit none
  abstract interface
    subroutine visitor(n)
      integer, intent(in) :: n
    end subroutine
    real(8) function curve(x)
      real(8), intent(in) :: x
    end function
  end interface
contains
  recursive subroutine visit(n, each)
    integer, intent(in) :: n
    procedure(visitor) :: each
    if (n == 0) return
    call each(n)
    call visit(n - 1, each)
    if (mod(n, 7) == 0) call nested(n)
  contains
    subroutine nested(k)
      integer, intent(in) :: k
      call visit(k / 7, inner)
    end subroutine
    subroutine inner(m)
      integer, intent(in) :: m
      call each(m + n)
    end subroutine
  end subroutine
  real(8) function area(f, low, high, steps)
    procedure(curve) :: f
    real(8), intent(in) :: low, high
    integer, intent(in) :: steps
    integer :: i
    area = 0
    do i = 1, steps
      area = area + f(low + (high - low) * (i - 0.5d0) / steps) * (high - low) / steps
    end do
  end function
end module
program procedures
  use users
  implicit none
  integer :: total, calls, k
  real(8) :: factor, whole
  do k = 1, 6
    total = k
    calls = 0
    call visit(12 * k, add)
    factor = k * 0.5d0
    whole = area(parabola, 0d0, 2d0, 40)
    print "(I0, 1X, I0, 1X, F0.6)", total, calls, whole
  end do
contains
  subroutine add(n)
    integer, intent(in) :: n
    calls = calls + 1
    total = mod(total * 3 + n, 10007)
  end subroutine
  real(8) function parabola(x)
    real(8), intent(in) :: x
    calls = calls + 1
    parabola = factor * x * x + 1
  end function
end program
